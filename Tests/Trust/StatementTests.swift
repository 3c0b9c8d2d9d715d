import Cryptography
import Testing
import Wire

@testable import Trust

@Suite("Build statements") struct StatementTests {
  @Test func aSignedStatementIsReadAsItWasWritten() throws {
    let signed = try Samples.signed()
    let read = try SignedStatement(verifying: signed.encoded, now: Samples.now)
    #expect(read == signed)
    #expect(read.statement == (try Samples.statement()))
    #expect(read.issuer == Samples.key(1).publicKey)
  }

  @Test func theLargestStatementFitsTheBound() throws {
    let word = String(repeating: "w", count: JudgedFacts.longestWord)
    let signed = try Samples.signed { statement in
      statement.size = Limits.blob
      statement.sequence = .max
      statement.judged.march = word
      statement.judged.features = CPUFeatures(bitSet: [UInt8](repeating: 255, count: 32)) ?? .init()
      statement.judged.compiler = PackageFacts.Compiler(name: word, version: word)
      statement.judged.libc = HostFacts.Libc(package: word, version: word)
      statement.judged.isBoundToCompiler = true
      statement.judged.contentFeatures = ContentFeatures(rawValue: .max)
      statement.judged.symbols = Array(repeating: word, count: JudgedFacts.mostSymbols)
    }
    #expect(signed.encoded.count <= Limits.record)
    #expect(signed.encoded.count > 900)
  }

  @Test func anAlteredByteBreaksTheSignature() throws {
    let encoded = try Samples.signed().encoded
    for index in stride(from: 0, to: encoded.count, by: 7) {
      var altered = encoded
      altered[index] ^= 1
      #expect(throws: StatementError.self) { try SignedStatement(verifying: altered) }
    }
  }

  @Test func expiredStatementsAreRefused() throws {
    let signed = try Samples.signed { $0.expires = Samples.now }
    #expect(throws: StatementError.expired(Samples.now)) {
      try SignedStatement(verifying: signed.encoded, now: Samples.now)
    }
  }

  @Test func futureDatedStatementsAreRefusedBeyondTheSkew() throws {
    let near = Samples.now + Limits.clockSkew
    let far = near + .seconds(1)
    let good = try Samples.signed { $0.created = near }
    #expect(try SignedStatement(verifying: good.encoded, now: Samples.now) == good)
    let bad = try Samples.signed { $0.created = far }
    #expect(throws: StatementError.futureDated(far)) {
      try SignedStatement(verifying: bad.encoded, now: Samples.now)
    }
  }

  @Test func lifeIsBounded() throws {
    let signed = try Samples.signed { $0.expires = $0.created + Limits.statementLife + .seconds(1) }
    #expect(throws: StatementError.lifeTooLong(400 * 86_400 + 1)) {
      try SignedStatement(verifying: signed.encoded, now: Samples.now)
    }
  }

  @Test func aClockThatIsAnHourOffMakesNoStatementOfTheNextHour() throws {
    let signed = try Samples.signed { $0.created = Samples.now + .seconds(3_600) }
    #expect(signed.problem(at: Samples.now) == .futureDated(Samples.now + .seconds(3_600)))
  }

  @Test func aTombstoneWithdraws() throws {
    let signed = try Samples.signed()
    let stone = try SignedStatement.sign(
      signed.statement.withdrawn(at: Samples.now), with: Samples.key(1))
    let read = try SignedStatement(verifying: stone.encoded, now: Samples.now)
    #expect(read.statement.isWithdrawn)
    #expect(read.supersedes(signed))
    #expect(read.statement.expires >= signed.statement.expires)
    #expect(SignedStatement.live(among: [signed, stone]) == [stone])
  }

  @Test func aHigherSequenceReplacesAndEqualOnesDoNot() throws {
    let first = try Samples.signed()
    let same = try Samples.signed { $0.size = 5 }
    let next = try SignedStatement.sign(
      first.statement.renewed(at: Samples.now), with: Samples.key(1))
    #expect(!same.supersedes(first) && !first.supersedes(same))
    #expect(next.supersedes(first))
    #expect(SignedStatement.live(among: [first, same, next]) == [next])
    #expect(SignedStatement.live(among: [first, same]) == [first])
    let later = try Samples.signed { $0.expires = Samples.now + Samples.day + Samples.day }
    #expect(later.supersedes(first) && !first.supersedes(later) && next.supersedes(later))
  }

  @Test func slotsAreByFingerprintIssuerAndContent() throws {
    let one = try Samples.signed { $0.sequence = 5 }
    let otherFile = try Samples.signed(root: 2)
    let otherIssuer = try Samples.signed(by: Samples.key(2))
    #expect(!one.supersedes(otherFile) && !one.supersedes(otherIssuer))
    #expect(SignedStatement.live(among: [one, otherFile, otherIssuer]).count == 3)
  }

  @Test func fieldsOutOfFormAreNotSigned() throws {
    #expect(throws: StatementError.malformed(field: "MD5")) {
      try Samples.signed { $0.md5 = [1] }
    }
    #expect(throws: StatementError.malformed(field: "size")) {
      try Samples.signed { $0.size = 0 }
    }
    #expect(throws: StatementError.malformed(field: "march")) {
      try Samples.signed { $0.judged.march = "two words" }
    }
    #expect(throws: StatementError.malformed(field: "symbols")) {
      try Samples.signed { $0.judged.symbols = Array(repeating: "A_1", count: 13) }
    }
    #expect(throws: StatementError.malformed(field: "build time")) {
      try Samples.signed(built: Samples.now + .seconds(3_600))
    }
  }

  @Test func aProviderRecordIsNoStatement() throws {
    let record = try SignedRecord(signing: [1, 2], kind: .provider, with: Samples.key(1))
    #expect(throws: StatementError.wrongKind) {
      try SignedStatement(verifying: record.encoded)
    }
  }

  @Test(arguments: 0..<200 as Range<UInt64>)
  func signedGarbageNeverTraps(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    var body = try Samples.statement().encodedBody
    for _ in 0..<Int.random(in: 1...6, using: &random) {
      body[Int.random(in: 0..<body.count, using: &random)] = .random(in: 0...255, using: &random)
    }
    body.removeLast(Int.random(in: 0...min(20, body.count - 1), using: &random))
    let record = try SignedRecord(signing: body, kind: .buildStatement, with: Samples.key(1))
    if let read = try? SignedStatement(verifying: record.encoded) {
      // What was read can be written again.
      _ = try SignedStatement.sign(read.statement, with: Samples.key(1))
    }
    _ = try? SignedRevocation(verifying: record.encoded)
    var envelope = record.encoded
    envelope.removeLast(Int.random(in: 0..<envelope.count, using: &random))
    #expect(throws: StatementError.self) { try SignedStatement(verifying: envelope) }
  }
}
