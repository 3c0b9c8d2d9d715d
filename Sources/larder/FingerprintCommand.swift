import ArgumentParser
import FoundationEssentials
import Trust

/// `larder fingerprint`
struct FingerprintCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fingerprint",
    abstract: "Print the fingerprints of packages that larder-portage described.",
    discussion: """
      FILE holds what 'larder-portage plan' or 'larder-portage describe' printed. With --fields the
      text of every field that is hashed is shown.

      Example: larder-portage plan app-misc/hello > facts.json && larder fingerprint facts.json
      """)

  @Argument(help: "JSON of larder-portage.") var file: String
  @Flag(help: "Show what is hashed, field by field.") var fields = false

  func run() throws {
    guard let bytes = FileManager.default.contents(atPath: file) else {
      throw FileError(description: "\(file) can't be read")
    }
    let report = try HelperReport(json: Array(bytes))
    if let error = report.error { throw FileError(description: "\(file): \(error.message)") }
    for facts in report.packages {
      print("\(try Fingerprint(of: facts)) \(facts.cpv)")
      guard fields else { continue }
      for field in try FingerprintFields(of: facts).all {
        print("  \(field.field.rawValue): \(printable(field.text))")
      }
    }
  }

  /// Why the file is no report.
  private struct FileError: Error, CustomStringConvertible {
    let description: String
  }
}
