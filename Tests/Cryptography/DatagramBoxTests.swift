import Cryptography
import Testing
import Wire

@Suite struct DatagramBoxTests {
  let aliceKey = SigningKey.generate()
  let bobKey = SigningKey.generate()
  let message = Array("who has this package?".utf8)
  let cookie = [UInt8](repeating: 5, count: AddressCookie.length)

  private var alice: DatagramBox { DatagramBox(key: aliceKey, network: "larder") }
  private var bob: DatagramBox { DatagramBox(key: bobKey, network: "larder") }

  private func sealed(_ message: [UInt8]) throws -> [UInt8] {
    alice.seal(message, cookie: cookie, with: try alice.agree(with: bobKey.publicKey))
  }

  private func openedByBob(_ packet: [UInt8]) throws -> [UInt8] {
    try bob.open(packet, with: try bob.agree(with: aliceKey.publicKey))
  }

  @Test(arguments: [0, 1, 500, DatagramBox.capacity])
  func carriesMessagesUpToItsCapacity(count: Int) throws {
    let message = [UInt8](repeating: 3, count: count)
    let packet = try sealed(message)
    #expect(packet.count == count + DatagramBox.overhead)
    #expect(packet.count <= Limits.datagram)
    #expect(try openedByBob(packet) == message)
    let header = try DatagramBox.header(of: packet)
    #expect(header.sender == aliceKey.publicKey)
    #expect(header.cookie == cookie)
  }

  @Test func neverSealsAlike() throws {
    #expect(try sealed(message) != sealed(message))
  }

  @Test func aReflectedDatagramIsForged() throws {
    let packet = try sealed(message)
    #expect(throws: DatagramBox.OpenError.forged) {
      try alice.open(packet, with: try alice.agree(with: bobKey.publicKey))
    }
    // Nor does it help to write the victim's name into the header.
    var renamed = packet
    renamed.replaceSubrange(1..<33, with: bobKey.publicKey.bytes.bytes)
    #expect(throws: DatagramBox.OpenError.forged) {
      try alice.open(renamed, with: try alice.agree(with: bobKey.publicKey))
    }
  }

  @Test func anotherNetworkCannotOpenIt() throws {
    let packet = try sealed(message)
    let elsewhere = DatagramBox(key: bobKey, network: "larder-test")
    #expect(throws: DatagramBox.OpenError.forged) {
      try elsewhere.open(packet, with: try elsewhere.agree(with: aliceKey.publicKey))
    }
  }

  @Test func anotherReceiverCannotOpenIt() throws {
    let packet = try sealed(message)
    let eve = DatagramBox(key: .generate(), network: "larder")
    #expect(throws: DatagramBox.OpenError.forged) {
      try eve.open(packet, with: try eve.agree(with: aliceKey.publicKey))
    }
  }

  @Test func aPeerCannotSpeakInAnothersName() throws {
    let eveKey = SigningKey.generate()
    let eve = DatagramBox(key: eveKey, network: "larder")
    var packet = eve.seal(message, cookie: cookie, with: try eve.agree(with: bobKey.publicKey))
    packet.replaceSubrange(1..<33, with: aliceKey.publicKey.bytes.bytes)
    #expect(throws: DatagramBox.OpenError.forged) { try openedByBob(packet) }
  }

  @Test func everyFlippedByteIsNoticed() throws {
    let packet = try sealed(message)
    let session = try bob.agree(with: aliceKey.publicKey)
    for index in packet.indices {
      var altered = packet
      altered[index] ^= 0x40
      #expect(throws: DatagramBox.OpenError.self, "byte \(index)") {
        try bob.open(altered, with: session)
      }
    }
  }

  @Test func everyTruncationIsNoticed() throws {
    let packet = try sealed(message)
    let session = try bob.agree(with: aliceKey.publicKey)
    for count in 0..<packet.count {
      let error: DatagramBox.OpenError =
        count < DatagramBox.overhead ? .badLength(count) : .forged
      #expect(throws: error, "\(count) bytes") {
        try bob.open(Array(packet[..<count]), with: session)
      }
      if count < DatagramBox.overhead {
        #expect(throws: error) { try DatagramBox.header(of: Array(packet[..<count])) }
      }
    }
    #expect(throws: DatagramBox.OpenError.forged) { try bob.open(packet + [0], with: session) }
  }

  @Test func oversizedAndUnknownDatagramsAreRefusedByTheirHeader() throws {
    let large = [UInt8](repeating: 1, count: Limits.datagram + 1)
    #expect(throws: DatagramBox.OpenError.badLength(large.count)) {
      try DatagramBox.header(of: large)
    }
    var packet = try sealed(message)
    packet[0] = 2
    #expect(throws: DatagramBox.OpenError.unknownVersion(2)) { try DatagramBox.header(of: packet) }
    #expect(throws: DatagramBox.OpenError.unknownVersion(2)) { try openedByBob(packet) }
  }

  @Test(arguments: [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "0200000000000000000000000000000000000000000000000000000000000000",
    "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
  ])
  func noKeyIsAgreedWithABadPoint(hex: String) throws {
    let point = PublicKey(try #require(Bytes32(hex: hex)))
    #expect(throws: DatagramBox.OpenError.badKey) { try bob.agree(with: point) }
  }

  @Test func noKeyIsAgreedWithOurselves() {
    #expect(throws: DatagramBox.OpenError.badKey) { try bob.agree(with: bobKey.publicKey) }
  }

  @Test(arguments: 0..<200 as Range<UInt64>)
  func garbageIsAnErrorAndNeverATrap(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let count = Int.random(in: 0...Limits.datagram + 20, using: &random)
    var packet = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
    if count > 0, Bool.random(using: &random) { packet[0] = 1 }
    let session = try bob.agree(with: aliceKey.publicKey)
    #expect(throws: DatagramBox.OpenError.self) { try bob.open(packet, with: session) }
  }
}
