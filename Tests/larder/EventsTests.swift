import ArgumentParser
import FoundationEssentials
import Node
import Testing

@testable import larder

@Suite("Results of commands")
struct EventsTests {
  private struct Inbox: Decodable, Equatable {
    let package: String
    let fingerprint: String
    let outcome: String
    let message: String
    let time: Int64
  }

  private struct Row: Decodable, Equatable {
    var package: String?
    var file: String?
    var outcome: String?
    var state: String?
    var fingerprint: String?
    var root: String?
    var reasons: [String]?
    var message: String?
    var worker: String?
    var log: [String]?
  }

  private func read<Value: Decodable>(_ type: Value.Type, _ event: ControlEvent) throws -> Value {
    let text = try result(event, json: true)
    #expect(text.last == "\n")
    return try JSONDecoder().decode(type, from: Data(text.utf8))
  }

  @Test func inboxIsAList() throws {
    let row = InboxRow(
      package: "a/b-1", fingerprint: "0f", outcome: "ready", message: "built", time: 1_795_132_800)
    let read = try read([Inbox].self, .inbox([row]))
    let expected = Inbox(
      package: "a/b-1", fingerprint: "0f", outcome: "ready", message: "built", time: 1_795_132_800)
    #expect(read == [expected])
    #expect(try result(.inbox([row]), json: false).hasSuffix(" a/b-1: ready built\n"))
    #expect(try result(.inbox([]), json: false) == "nothing new\n")
    #expect(try self.read([Inbox].self, .inbox([])) == [])
  }

  @Test func collectionIsAnObjectOfNumbers() throws {
    let report = CollectReport(evicted: 2, freed: 3_072, used: 1_024, quota: 9_000)
    let numbers = try read([String: UInt64].self, .collected(report))
    #expect(numbers == ["evicted": 2, "freed": 3_072, "used": 1_024, "quota": 9_000])
    let text = try result(.collected(report), json: false)
    #expect(text.hasPrefix("2 blobs evicted, ") && text.hasSuffix(" kept\n"))
  }

  @Test func publishingIsAListWithTheReasons() throws {
    let rows = [
      PublishRow(package: "a/b-1", file: "/b", outcome: .published, fingerprint: "0f"),
      PublishRow(package: "a/c-1", file: "/c", outcome: .refused, reasons: ["live", "secret"]),
      PublishRow(file: "/d", outcome: .early, reasons: ["not built here"]),
      PublishRow(package: "a/e-1", outcome: .withdrawn, root: "aa"),
    ]
    let read = try read([Row].self, .published(rows))
    #expect(
      read == [
        Row(package: "a/b-1", file: "/b", outcome: "published", fingerprint: "0f", reasons: []),
        Row(package: "a/c-1", file: "/c", outcome: "refused", reasons: ["live", "secret"]),
        Row(file: "/d", outcome: "early", reasons: ["not built here"]),
        Row(package: "a/e-1", outcome: "withdrawn", root: "aa", reasons: []),
      ])
    #expect(
      try result(.published(rows), json: false) == """
        a/b-1: published as 0f
        a/c-1: not published: live; secret
        /d: not yet: not built here
        a/e-1: withdrawn aa

        """)
  }

  @Test func requestIsAListWithEachState() throws {
    let rows = [
      RequestRow(package: "a/b-1", fingerprint: "0f", state: "queued"),
      RequestRow(package: "a/c-1", state: "refused", message: "RESTRICT=mirror forbids it"),
      RequestRow(
        package: "a/d-1", fingerprint: "1f", state: "failed", worker: "w", message: "make failed",
        log: ["x.c: error"]),
    ]
    let read = try read([Row].self, .requested(rows))
    #expect(
      read == [
        Row(package: "a/b-1", state: "queued", fingerprint: "0f"),
        Row(package: "a/c-1", state: "refused", message: "RESTRICT=mirror forbids it"),
        Row(
          package: "a/d-1", state: "failed", fingerprint: "1f", message: "make failed",
          worker: "w", log: ["x.c: error"]),
      ])
    #expect(
      try result(.requested(rows), json: false) == """
        a/b-1: queued
        a/c-1: refused: RESTRICT=mirror forbids it
        a/d-1: failed by w: make failed
            | x.c: error

        """)
    #expect(try result(.requested([]), json: false) == "nothing to build: everything is here\n")
  }

  @Test func textOfOthersIsMadeHarmless() throws {
    let row = RequestRow(package: "a/b-1", state: "refused", message: "no\u{1B}[2J")
    #expect(try result(.requested([row]), json: false) == "a/b-1: refused: no?[2J\n")
  }

  @Test(arguments: [
    ["inbox", "--json"], ["gc", "--json"], ["publish", "--json", "/x"],
    ["publish", "--json", "--withdraw", "a/b-1"],
  ])
  func everyOneOfThemTakesTheFlag(words: [String]) throws {
    _ = try Larder.parseAsRoot(words)
  }
}
