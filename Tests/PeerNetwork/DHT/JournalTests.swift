import Cryptography
import DHT
import Foundation
import Testing
import Wire

@testable import PeerNetwork

/// What a node writes down can be repeated, step by step.
@Suite("Journal") struct JournalTests {
  /// The journal of a node that published, found one key and did not find another.
  static func journal() async throws -> [UInt8] {
    let file = FileManager.default.temporaryDirectory
      .appending(path: "larder-journal-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: file) }
    var settings = Loopback.settings
    settings.journal = file.path()
    let nodes = try [
      Loopback.node(1), Loopback.node(2, settings: settings), Loopback.node(3),
    ]
    let key = Bytes32(words: (1, 2, 3, 4))
    let later = DHTService.systemTime() + .seconds(3_600)
    let statement = try TestStatements.make(key: key, expires: later, with: Loopback.key(100))
    try await Loopback.run(nodes) { nodes in
      await nodes[1].trust([try Loopback.key(100).publicKey])
      _ = await nodes[1].publish(statements: [statement])
      _ = await nodes[1].statements(for: [key], issuers: []) { _, found in !found.isEmpty }
      _ = await nodes[1].statements(for: [.zero], issuers: []) { _, _ in true }
    }
    return [UInt8](try Data(contentsOf: file))
  }

  @Test func aReplayDoesWhatTheNodeDid() async throws {
    let journal = try await Self.journal()
    let result = try JournalReplay.run(journal, statements: TestStatements())
    #expect(result.firstDifference == nil)
    #expect(result.lookups == 2)
    #expect(result.accepted == 1)
    #expect(result.status.contacts == 2)
    #expect(result.bytesSent > 0)
    let again = try JournalReplay.run(journal, statements: TestStatements())
    #expect(again == result)
    // A node that was killed leaves a part of a step.
    let cut = try JournalReplay.run(journal.dropLast(3), statements: TestStatements())
    #expect(cut.steps == result.steps - 1)
  }

  @Test func aDifferenceIsNamedAndGarbageRefused() async throws {
    let journal = try await Self.journal()
    var entries: [Larder_JournalEntry] = []
    var rest = journal[...]
    while rest.count > 4 {
      let length = rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
      let bytes = Array(rest.dropFirst(4).prefix(length))
      entries.append(
        try ProtobufCodec.decode(Larder_JournalEntry.self, from: bytes, limit: length))
      rest = rest.dropFirst(4 + length)
    }
    // Other dice at the first step that sends something: other transactions.
    let first = try #require(entries.firstIndex { $0.actions != 0 })
    entries[first].random ^= 1
    var altered: [UInt8] = []
    for entry in entries {
      let bytes = ProtobufCodec.encode(entry)
      altered += withUnsafeBytes(of: UInt32(bytes.count).bigEndian) { Array($0) } + bytes
    }
    let result = try JournalReplay.run(altered, statements: TestStatements())
    #expect(result.firstDifference == first)
    for garbage in [[], [0, 0, 0, 1], [0, 0, 0, 1, 255], [255, 255, 255, 255, 1]] as [[UInt8]] {
      #expect(throws: JournalReplay.ReplayError.notAJournal) {
        try JournalReplay.run(garbage, statements: TestStatements())
      }
    }
  }

  @Test func aJournalSaysWhyItEnded() throws {
    let key = try Loopback.key(1).publicKey
    let disk = try #require(
      JournalWriter(path: "/dev/full", key: key, isSeeder: false, lookup: .all))
    disk.append(.ticked, JournalStep(), [])
    #expect(disk.end == nil)
    disk.flush()
    #expect(disk.end == .failed(ENOSPC))
    #expect("\(JournalWriter.End.failed(ENOSPC))".contains("space"))
    let file = FileManager.default.temporaryDirectory
      .appending(path: "larder-journal-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: file) }
    let small = try #require(
      JournalWriter(path: file.path(), key: key, isSeeder: false, lookup: .all, limit: 10))
    small.flush()
    #expect(small.end == nil)
    small.append(.ticked, JournalStep(), [])
    #expect(small.end == .full)
  }
}
