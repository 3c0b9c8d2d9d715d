/// What the user should know about the options that a plan is made with.
enum PlanAdvice {
  /// Notes on emerge's arguments, the defaults of make.conf first.
  static func notes(on arguments: [String], defaults: String) -> [String] {
    let words = defaults.split(whereSeparator: \.isWhitespace).map(String.init) + arguments
    var comparesBuildDependencies = false
    for (place, word) in words.enumerated() {
      if word == "--with-bdeps" {
        comparesBuildDependencies = place + 1 < words.count && words[place + 1] == "y"
      } else if word.hasPrefix("--with-bdeps=") {
        comparesBuildDependencies = word.hasSuffix("=y")
      }
    }
    guard comparesBuildDependencies else { return [] }
    return [
      "--with-bdeps=y: Portage then compares build dependencies too, in which builds of others may "
        + "differ; it may compile what is listed, or install it anew"
    ]
  }
}
