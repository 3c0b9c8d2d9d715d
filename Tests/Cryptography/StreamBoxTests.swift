import Cryptography
import Testing
import Wire

@Suite struct StreamBoxTests {
  let openerKey = EphemeralKey()
  let acceptorKey = EphemeralKey()
  let sides = StreamBox.Sides(
    opener: SigningKey.generate().publicKey, acceptor: SigningKey.generate().publicKey,
    openerSession: 11, acceptorSession: 22)

  /// Each cipher that this machine has.
  static let ciphers = StreamBox.hasFastAES ? [false, true] : [false]

  private func box(
    isOpener: Bool, sides: StreamBox.Sides? = nil, usesAES: Bool = false
  ) throws -> StreamBox {
    let (own, peer) = isOpener ? (openerKey, acceptorKey) : (acceptorKey, openerKey)
    return try #require(
      StreamBox(
        own: own, peer: peer.publicKey, sides: sides ?? self.sides, isOpener: isOpener,
        usesAES: usesAES))
  }

  private func seal(_ frames: [UInt8], _ number: UInt64, with box: StreamBox) -> [UInt8] {
    var packet = [UInt8](repeating: 0, count: frames.count + StreamBox.overhead)
    let count = packet.withUnsafeMutableBytes { box.seal(frames, number: number, into: $0) }
    #expect(count == packet.count)
    return packet
  }

  private func open(_ packet: [UInt8], with box: StreamBox) -> [UInt8]? {
    packet.withUnsafeBytes { bytes -> [UInt8]? in
      guard let header = StreamBox.header(of: bytes) else { return nil }
      var frames: [UInt8] = []
      guard box.open(bytes, number: header.number, into: &frames) else { return nil }
      return Array(frames.prefix(packet.count - StreamBox.overhead))
    }
  }

  @Test(arguments: [0, 1, 1_199, 8_919], ciphers)
  func bothSidesReadEachOther(count: Int, usesAES: Bool) throws {
    let frames = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
    let opener = try box(isOpener: true, usesAES: usesAES)
    let acceptor = try box(isOpener: false, usesAES: usesAES)
    #expect(open(seal(frames, 7, with: opener), with: acceptor) == frames)
    #expect(open(seal(frames, 7, with: acceptor), with: opener) == frames)
  }

  @Test func headerNamesTheReceiversSession() throws {
    let packet = seal([1], 1 << 40, with: try box(isOpener: true))
    let header = packet.withUnsafeBytes { StreamBox.header(of: $0) }
    #expect(header?.session == 22)
    #expect(header?.number == 1 << 40)
  }

  @Test func aReflectedPacketIsForged() throws {
    let opener = try box(isOpener: true)
    #expect(open(seal([1, 2, 3], 0, with: opener), with: opener) == nil)
  }

  @Test(arguments: ciphers) func noAlteredByteIsAccepted(usesAES: Bool) throws {
    let packet = seal([1, 2, 3], 5, with: try box(isOpener: true, usesAES: usesAES))
    let acceptor = try box(isOpener: false, usesAES: usesAES)
    for index in packet.indices {
      var altered = packet
      altered[index] ^= 1
      #expect(open(altered, with: acceptor) == nil)
    }
  }

  @Test func eachCipherHasItsKeys() throws {
    guard StreamBox.hasFastAES else { return }
    let packet = seal([1], 0, with: try box(isOpener: true, usesAES: true))
    #expect(open(packet, with: try box(isOpener: false)) == nil)
  }

  @Test func otherSidesHaveOtherKeys() throws {
    var others = sides
    others.openerSession = 12
    let packet = seal([1], 0, with: try box(isOpener: true))
    #expect(open(packet, with: try box(isOpener: false, sides: others)) == nil)
  }

  @Test func shortAndForeignPacketsHaveNoHeader() {
    let short = [UInt8](repeating: 2, count: StreamBox.overhead - 1)
    let foreign = [UInt8](repeating: 1, count: 100)
    #expect(short.withUnsafeBytes { StreamBox.header(of: $0) == nil })
    #expect(foreign.withUnsafeBytes { StreamBox.header(of: $0) == nil })
  }

  @Test func aKeyOfNoOrderIsRefused() {
    #expect(StreamBox(own: openerKey, peer: .zero, sides: sides, isOpener: true) == nil)
  }
}
