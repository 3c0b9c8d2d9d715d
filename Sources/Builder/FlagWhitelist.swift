/// The compiler and linker flags that a request may carry.
///
/// A flag is an argument of a program that the builder runs; so only known ones pass: none that
/// names a file, loads a plugin, or hands a string on to another program.
public enum FlagWhitelist {
  /// How many bytes the flags of one variable may have.
  public static let length = 2_000

  /// The variables that a request may set.
  public static let variables = [
    "CFLAGS", "CXXFLAGS", "CPPFLAGS", "FFLAGS", "FCFLAGS", "LDFLAGS", "RUSTFLAGS", "GOAMD64",
  ]

  /// The first flag of `value` that is not allowed in this variable; nil if all are.
  public static func refused(_ value: String, in variable: String) -> String? {
    guard value.utf8.count <= length else { return String(value.prefix(60)) + "…" }
    var words = value.split(whereSeparator: \.isWhitespace).map(String.init)[...]
    switch variable {
    case "CFLAGS", "CXXFLAGS", "FFLAGS", "FCFLAGS":
      return words.first { !isCompilerFlag($0) }
    case "CPPFLAGS":
      return words.first { !macros.contains($0) && !isCompilerFlag($0) }
    case "LDFLAGS":
      return words.first { !isLinkerFlag($0) && !isCompilerFlag($0) }
    case "RUSTFLAGS":
      while let word = words.popFirst() {
        if word == "-C", let option = words.popFirst() {
          if !isRustOption(option) { return "-C \(option)" }
        } else if !(word.hasPrefix("-C") && isRustOption(String(word.dropFirst(2)))) {
          return word
        }
      }
      return nil
    case "GOAMD64":
      return words.first { !["v1", "v2", "v3", "v4"].contains($0) } ?? words.dropFirst().first
    default:
      return words.first
    }
  }

  private static func isCompilerFlag(_ flag: String) -> Bool {
    if exact.contains(flag) || optimisations.contains(flag) || debugging.contains(flag) {
      return true
    }
    for selector in ["-march=", "-mtune=", "-mcpu="] {
      if let cpu = value(of: flag, selector) { return cpus.contains(cpu) }
    }
    if let feature = value(of: flag, "-m") {
      return features.contains(feature.hasPrefix("no-") ? String(feature.dropFirst(3)) : feature)
    }
    if let option = value(of: flag, "-f") { return isFOption(option) }
    return false
  }

  private static func isFOption(_ option: String) -> Bool {
    let name = option.hasPrefix("no-") ? String(option.dropFirst(3)) : option
    if switches.contains(name) || valued.contains(option) { return true }
    if let jobs = value(of: option, "lto=") {
      return ["auto", "jobserver", "thin", "full"].contains(jobs) || isSmallNumber(jobs)
    }
    return false
  }

  private static func isLinkerFlag(_ flag: String) -> Bool {
    if ["-fuse-ld=bfd", "-fuse-ld=lld", "-fuse-ld=gold", "-fuse-ld=mold"].contains(flag) {
      return true
    }
    guard let list = value(of: flag, "-Wl,") else { return false }
    var options = list.split(separator: ",", omittingEmptySubsequences: false)[...]
    guard !options.isEmpty else { return false }
    while let option = options.popFirst() {
      if option == "-z" {
        guard let keyword = options.popFirst(), keywords.contains(String(keyword)) else {
          return false
        }
      } else if !linker.contains(String(option)) {
        return false
      }
    }
    return true
  }

  private static func isRustOption(_ option: String) -> Bool {
    if let cpu = value(of: option, "target-cpu=") { return cpus.contains(cpu) }
    if let level = value(of: option, "opt-level=") {
      return ["0", "1", "2", "3", "s", "z"].contains(level)
    }
    if let level = value(of: option, "debuginfo=") { return ["0", "1", "2"].contains(level) }
    if let units = value(of: option, "codegen-units=") { return isSmallNumber(units) }
    return ["strip=none", "lto=thin", "lto=fat", "lto=off", "lto", "embed-bitcode=yes"]
      .contains(option)
  }

  private static func value(of flag: String, _ prefix: String) -> String? {
    flag.hasPrefix(prefix) ? String(flag.dropFirst(prefix.count)) : nil
  }

  private static func isSmallNumber(_ text: String) -> Bool {
    guard let number = UInt(text), text.utf8.count <= 3 else { return false }
    return number <= 512
  }
}
