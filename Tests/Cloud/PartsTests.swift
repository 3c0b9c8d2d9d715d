import FoundationEssentials
import Glibc
import NIOCore
import TestSupport
import Testing
import Wire

@testable import Cloud

@Suite struct TokenTests {
  @Test func textIsShownOnceAndOnlyItsDigestIsKept() throws {
    let (text, token) = Token.create(name: "laptop", role: .request, now: Timestamp(5))
    #expect(text.hasPrefix("larder_") && text.utf8.count == 71)
    let kept = String(decoding: try JSONEncoder().encode(token), as: UTF8.self)
    #expect(!kept.contains(text.dropFirst(7)))
  }

  @Test func bearerIsFoundByTheWholeText() throws {
    var table = TokenTable()
    let first = Token.create(name: "a", role: .request, now: Timestamp(0))
    let second = Token.create(name: "b", role: .worker, now: Timestamp(0))
    try table.add(first.token)
    try table.add(second.token)
    #expect(table.bearer(of: second.text) == second.token)
    #expect(table.bearer(of: String(second.text.dropLast())) == nil)
    #expect(table.bearer(of: "") == nil)
    #expect(table.remove("b") == true)
    #expect(table.bearer(of: second.text) == nil)
  }

  @Test(arguments: ["", "a b", "a/b", "ä", String(repeating: "a", count: 65)])
  func badNamesAreRefused(name: String) {
    var table = TokenTable()
    let token = Token.create(name: name, role: .worker, now: Timestamp(0)).token
    #expect(throws: TokenTable.Refusal.badName(name)) { try table.add(token) }
  }

  @Test func nameIsUnique() throws {
    var table = TokenTable()
    try table.add(Token.create(name: "a", role: .worker, now: Timestamp(0)).token)
    #expect(throws: TokenTable.Refusal.taken("a")) {
      try table.add(Token.create(name: "a", role: .request, now: Timestamp(0)).token)
    }
  }
}

@Suite struct RateLimiterTests {
  @Test func burstIsAMinutesWorthAndRefillsEvenly() {
    var limiter = RateLimiter()
    let start = Instant.zero + .seconds(100)
    for _ in 0..<60 { #expect(limiter.take("a", perMinute: 60, now: start) == nil) }
    let wait = limiter.take("a", perMinute: 60, now: start)
    #expect(wait.map { $0 > .zero && $0 <= .milliseconds(1_001) } == true)
    #expect(limiter.take("b", perMinute: 60, now: start) == nil)
    #expect(limiter.take("a", perMinute: 60, now: start + .milliseconds(1_001)) == nil)
    #expect(limiter.take("a", perMinute: 60, now: start) != nil, "a clock set back gives nothing")
  }
}

@Suite struct EventParserTests {
  func events(_ texts: String...) throws -> [EventParser.Event] {
    var parser = EventParser()
    return try texts.flatMap { try parser.append(ByteBuffer(string: $0)) }
  }

  @Test func eventsAreReadAcrossBuffers() throws {
    let read = try events("event: sta", "tus\ndata: {\"a\"", ":1}\n", "\n: ping\n\ndata:x\r\n\r\n")
    #expect(
      read == [.init(name: "status", data: "{\"a\":1}"), .init(name: "message", data: "x")])
  }

  @Test func commentsAndUnknownFieldsAreDropped() throws {
    #expect(try events(": ping\n\nid: 4\nretry: 1\nnonsense\n\n").isEmpty)
    #expect(try events("data: a\ndata: b\n\n") == [.init(name: "message", data: "a\nb")])
  }

  @Test func endlessEventIsRefused() {
    var parser = EventParser()
    let part = ByteBuffer(repeating: 0x61, count: 300_000)
    #expect(throws: EventParser.ParseError.tooLong(limit: EventParser.longest)) {
      for _ in 0..<5 { _ = try parser.append(part) }
    }
  }

  @Test(arguments: 0..<100 as Range<UInt64>)
  func garbageNeverTraps(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    var parser = EventParser()
    for _ in 0..<20 {
      let count = Int.random(in: 0...40, using: &random)
      let alphabet = Array("data: event\n\r:{}\u{0}".utf8) + [0xFF]
      let bytes = (0..<count).map { _ in alphabet.randomElement(using: &random) ?? 0 }
      _ = try parser.append(ByteBuffer(bytes: bytes))
    }
  }
}

@Suite struct BackoffTests {
  @Test func pausesGrowToTheirBound() {
    var random = SplitMix64(seed: 1)
    var backoff = Backoff(first: .seconds(1), longest: .seconds(8))
    var bound = Duration.seconds(1)
    for _ in 0..<10 {
      let pause = backoff.next(using: &random)
      #expect(pause <= bound && pause >= bound * 0.2)
      bound = min(bound * 2, .seconds(8))
    }
    backoff.reset()
    #expect(backoff.next(using: &random) <= .seconds(1))
  }
}
