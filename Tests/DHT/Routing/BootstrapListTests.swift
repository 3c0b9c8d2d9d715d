import Cryptography
import Testing
import Wire

@testable import DHT

@Suite struct BootstrapListTests {
  static let key = String(repeating: "ab", count: 32)

  @Test func peersAndCommentsAreRead() throws {
    let text = """
      # seeders of the project
      \(Self.key) seeder.example.org:7782   # always on

      \(Self.key)\t[2001:db8::1]:1
      \(Self.key) 192.0.2.1:65535\r
      """
    let list = try BootstrapList(parsing: text)
    #expect(list.peers.map(\.host) == ["seeder.example.org", "2001:db8::1", "192.0.2.1"])
    #expect(list.peers.map(\.port) == [7782, 1, 65_535])
    #expect(list.peers.allSatisfy { $0.key.description == Self.key })
  }

  @Test func anEmptyTextIsAnEmptyList() throws {
    #expect(try BootstrapList(parsing: "").peers.isEmpty)
    #expect(try BootstrapList(parsing: "# nobody\n\n").peers.isEmpty)
  }

  @Test(
    arguments: [
      ("\(key)", BootstrapList.ParseError.Reason.notTwoFields),
      ("\(key) a:1 b", .notTwoFields),
      ("abcd a:1", .badKey),
      ("\(key)0 a:1", .badKey),
      ("\(key) a", .badAddress),
      ("\(key) a:0", .badAddress),
      ("\(key) a:65536", .badAddress),
      ("\(key) :1", .badAddress),
      ("\(key) [::1:1", .badAddress),
      ("\(key) [192.0.2.1]:1", .badAddress),
      ("\(key) ::1:1", .badAddress),
      ("\(key) a b:1", .notTwoFields),
      ("\(key) h\u{f6}st:1", .badAddress),
    ])
  func errorsNameTheLine(line: String, reason: BootstrapList.ParseError.Reason) {
    #expect(throws: BootstrapList.ParseError(line: 3, reason: reason)) {
      try BootstrapList(parsing: "# one\n\(Self.key) host:1\n\(line)\n")
    }
  }

  @Test func theListIsBounded() {
    let text = String(repeating: "\(Self.key) h:1\n", count: BootstrapList.limit + 1)
    #expect(
      throws: BootstrapList.ParseError(line: BootstrapList.limit + 1, reason: .tooMany)
    ) { try BootstrapList(parsing: text) }
  }
}
