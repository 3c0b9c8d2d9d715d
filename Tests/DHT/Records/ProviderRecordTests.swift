import Cryptography
import Testing
import Wire

@testable import DHT

@Suite struct ProviderRecordTests {
  let now = Timestamp(1_800_000_000)
  let root = ContentRoot(Bytes32(words: (1, 2, 3, 4)))
  let address = Address(ip: .v4(0xC000_0201), port: 7782)

  func signer() throws -> SigningKey {
    try #require(SigningKey(seed: [UInt8](repeating: 7, count: 32)))
  }

  func check(_ bytes: [UInt8], at time: Timestamp) -> RecordRejection? {
    do {
      _ = try ProviderRecord(verifying: bytes, now: time)
      return nil
    } catch {
      return error
    }
  }

  @Test func relaysAreReadBackAndFew() throws {
    let key = try signer()
    var random = SplitMix64(seed: 1)
    let relays = (1...3).map { Contact.random(at: "5.1.1.\($0):7782", using: &random) }
    let record = try ProviderRecord(
      root: root, addresses: [address], role: .desktop, relays: Array(relays[..<2]), created: now,
      with: key)
    #expect(try ProviderRecord(verifying: record.encoded, now: now).relays == Array(relays[..<2]))
    #expect(throws: RecordRejection.malformed) {
      try ProviderRecord(
        root: root, addresses: [address], role: .desktop, relays: relays, created: now, with: key)
    }
  }

  @Test func whatIsSignedIsReadBack() throws {
    let key = try signer()
    let other = Address(ip: .v6(0x2A00_0000_0000_0000, 1), port: 1)
    let record = try ProviderRecord(
      root: root, addresses: [address, other], role: .seeder, created: now, with: key)
    let read = try ProviderRecord(verifying: record.encoded, now: now)
    #expect(read == record)
    #expect(read.record.key == root.bytes)
    #expect(read.record.publisher == key.publicKey)
    #expect(read.record.slot == key.publicKey.bytes)
  }

  @Test func announcementsEndWithinTwentyFiveHours() throws {
    let key = try signer()
    #expect(throws: RecordRejection.lifeTooLong) {
      try ProviderRecord(
        root: root, addresses: [address], role: .desktop, created: now,
        life: Limits.providerLife + .seconds(1), with: key)
    }
    let record = try ProviderRecord(
      root: root, addresses: [address], role: .desktop, created: now, with: key)
    #expect(check(record.encoded, at: now + .seconds(25 * 3_600 - 1)) == nil)
    #expect(check(record.encoded, at: now + .seconds(25 * 3_600)) == .expired)
  }

  @Test func aClockAheadByAnHourIsRefused() throws {
    let record = try ProviderRecord(
      root: root, addresses: [address], role: .desktop, created: now + .seconds(3_600),
      with: try signer())
    #expect(check(record.encoded, at: now) == .futureDated)
    #expect(check(record.encoded, at: now + .seconds(3_000)) == nil)
  }

  @Test func addressesAreBounded() throws {
    let key = try signer()
    for count in [0, 5] {
      #expect(throws: RecordRejection.malformed) {
        try ProviderRecord(
          root: root, addresses: [Address](repeating: address, count: count), role: .desktop,
          created: now, with: key)
      }
    }
  }

  @Test(arguments: ["255.255.255.255:1", "224.0.0.1:1", "0.1.2.3:1", "[ff02::1]:1", "[::]:1"])
  func anAddressThatNoHostCanHaveIsRefused(text: String) throws {
    let nobody = try #require(Address(text))
    let record = try ProviderRecord(
      root: root, addresses: [address, nobody], role: .desktop, created: now, with: try signer())
    #expect(check(record.encoded, at: now) == .malformed)
  }

  @Test func anyChangedByteIsRefused() throws {
    let record = try ProviderRecord(
      root: root, addresses: [address], role: .desktop, created: now, with: try signer())
    for place in record.encoded.indices {
      var bytes = record.encoded
      bytes[place] ^= 1
      #expect(check(bytes, at: now) != nil, "byte \(place)")
    }
    for length in record.encoded.indices {
      #expect(check(Array(record.encoded[..<length]), at: now) == .malformed)
    }
    #expect(check([UInt8](repeating: 1, count: 2_000), at: now) == .malformed)
  }

  @Test func aStatementIsNoProvider() throws {
    let body = try SignedRecord(signing: [1, 2, 3], kind: .buildStatement, with: try signer())
    #expect(check(body.encoded, at: now) == .malformed)
    let validator = ProviderAwareValidator(statements: PlainRecords())
    #expect(throws: RecordRejection.malformed) {
      try validator.validate(body.encoded, kind: .provider, now: now)
    }
  }
}
