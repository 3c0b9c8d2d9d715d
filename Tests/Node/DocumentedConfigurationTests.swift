import Foundation
import Node
import Testing
import Wire

/// What is written about the configuration says what the program does.
@Suite struct DocumentedConfigurationTests {
  private static let top = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  private func text(_ path: String) throws -> String {
    try String(contentsOf: Self.top.appendingPathComponent(path), encoding: .utf8)
  }

  /// The example with its settings in force: a setting stands behind `#`, a comment behind `# `.
  private func exampleInForce() throws -> String {
    let lines = try text("packaging/etc/larder/larder.yaml").split(
      separator: "\n", omittingEmptySubsequences: false)
    return lines.map { line -> Substring in
      let isComment = line.hasPrefix("# ") && !line.hasPrefix("#  ")
      return line.hasPrefix("#") && !isComment ? line.dropFirst() : line
    }.joined(separator: "\n")
  }

  @Test func theExampleAsItIsChangesNothing() throws {
    let example = try text("packaging/etc/larder/larder.yaml")
    #expect(try Configuration(yaml: example, file: "larder.yaml") == Configuration())
  }

  @Test func theExampleShowsTheDefaults() throws {
    var shown = try Configuration(yaml: try exampleInForce(), file: "larder.yaml")
    // These have no default: the example shows what a value looks like.
    let empty = Configuration()
    shown.listen.advertise = empty.listen.advertise
    shown.listen.bootstrap = empty.listen.bootstrap
    shown.journal = empty.journal
    // Its default follows from the role.
    shown.relay.enabled = empty.relay.enabled
    shown.transfer.limitDown = empty.transfer.limitDown
    shown.transfer.limitUp = empty.transfer.limitUp
    shown.transfer.limitDownPerPeer = empty.transfer.limitDownPerPeer
    shown.transfer.limitUpPerPeer = empty.transfer.limitUpPerPeer
    shown.transfer.schedule = empty.transfer.schedule
    shown.cloud.gateway = empty.cloud.gateway
    shown.cloud.tokenFile = empty.cloud.tokenFile
    shown.worker.tokenFile = empty.worker.tokenFile
    shown.worker.template = empty.worker.template
    shown.worker.name = empty.worker.name
    #expect(shown == empty)
  }

  @Test func exampleAndHandbookNameTheSameKeys() throws {
    var inExample: Set<String> = []
    var section = ""
    for line in try exampleInForce().split(separator: "\n") {
      guard let colon = line.firstIndex(of: ":"), line.first != "#" else { continue }
      let name = line[..<colon].trimmingCharacters(in: .whitespaces)
      guard name.first != "#" else { continue }
      if line.first == " " {
        inExample.insert("\(section).\(name)")
      } else if line[colon...] == ":" {
        section = name
      } else {
        inExample.insert(name)
      }
    }
    var inHandbook: Set<String> = []
    var isTable = false
    for line in try text("docs/OPERATING.md").split(separator: "\n") {
      if line.hasPrefix("## ") { isTable = line.hasPrefix("## Configuration") }
      guard isTable, line.hasPrefix("| `") else { continue }
      if let name = line.split(separator: "`").dropFirst().first { inHandbook.insert(String(name)) }
    }
    #expect(inExample.count > 30)
    #expect(inExample.subtracting(inHandbook).sorted() == [])
    #expect(inHandbook.subtracting(inExample).sorted() == [])
  }
}
