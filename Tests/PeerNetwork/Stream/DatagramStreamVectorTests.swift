import Cryptography
import TestSupport
import Testing
import Transfer
import Wire

/// Packets and openings that Tests/Vectors/make-datagram-streams made without any of this code.
@Suite("Known stream packets") struct DatagramStreamVectorTests {
  struct Vectors: Decodable {
    let opener: Side
    let acceptor: Side
    let packets: [Packet]
    let openings: [Opening]
    let relayed: [Opening]
  }

  struct Side: Decodable {
    let seed: String
    let ephemeral: String
    let session: String
  }

  struct Packet: Decodable {
    let name: String
    let fromOpener: Bool
    let usesAes: Bool
    let number: String
    let frames: String
    let packet: String
  }

  struct Opening: Decodable {
    let name: String
    let message: String
  }

  let vectors: Vectors

  init() throws {
    vectors = try KnownVectors.read("datagram-streams.json")
  }

  private func key(_ side: Side) throws -> PublicKey {
    try #require(SigningKey(seed: try KnownVectors.bytes(side.seed))).publicKey
  }

  private func box(isOpener: Bool, usesAES: Bool) throws -> StreamBox {
    let sides = StreamBox.Sides(
      opener: try key(vectors.opener), acceptor: try key(vectors.acceptor),
      openerSession: try #require(UInt64(vectors.opener.session)),
      acceptorSession: try #require(UInt64(vectors.acceptor.session)))
    let opener = EphemeralKey(secret: try KnownVectors.bytes(vectors.opener.ephemeral))
    let acceptor = EphemeralKey(secret: try KnownVectors.bytes(vectors.acceptor.ephemeral))
    let (own, peer) = isOpener ? (opener, acceptor) : (acceptor, opener)
    return try #require(
      StreamBox(
        own: own, peer: peer.publicKey, sides: sides, isOpener: isOpener, usesAES: usesAES))
  }

  @Test func eachPacketIsSealedAndOpenedAlike() throws {
    #expect(vectors.packets.count >= 9)
    for known in vectors.packets where !known.usesAes || StreamBox.hasFastAES {
      let frames = try KnownVectors.bytes(known.frames)
      let packet = try KnownVectors.bytes(known.packet)
      let number = try #require(UInt64(known.number))
      var sealed = [UInt8](repeating: 0, count: frames.count + StreamBox.overhead)
      let sender = try box(isOpener: known.fromOpener, usesAES: known.usesAes)
      _ = sealed.withUnsafeMutableBytes { sender.seal(frames, number: number, into: $0) }
      #expect(sealed == packet, "\(known.name)")
      var opened: [UInt8] = []
      let receiver = try box(isOpener: !known.fromOpener, usesAES: known.usesAes)
      let isRight = packet.withUnsafeBytes { receiver.open($0, number: number, into: &opened) }
      #expect(isRight && Array(opened.prefix(frames.count)) == frames, "\(known.name)")
    }
  }

  @Test func noKnownPacketIsAViolation() throws {
    for known in vectors.packets where known.name != "a reset after a violation" {
      let address = try #require(Address("10.0.0.1:7782"))
      var random = SplitMix64(seed: 1)
      var stream = ReliableStream(
        settings: StreamSettings(), path: address, credit: 0, roundTrip: nil, now: .zero)
      var sent: [UInt8] = []
      for number in 0..<10 as Range<UInt64> {
        // So many packets of ours left that all numbers may be acknowledged.
        stream.greet()
        while let packet = stream.nextPacket(now: .zero, into: &sent) {
          #expect(packet.number == number)
          sent = []
        }
      }
      try KnownVectors.bytes(known.frames).withUnsafeBytes {
        stream.receive(
          $0, number: 0, from: address, now: .zero + .milliseconds(5), using: &random)
      }
      #expect(stream.outcome != .violation, "\(known.name)")
    }
  }

  @Test func eachOpeningIsReadAndWrittenAlike() throws {
    #expect(
      vectors.openings.map(\.name) == [
        "open", "open, AES offered", "accept", "accept, AES", "retry", "refuse",
      ])
    for known in vectors.openings {
      let bytes = try KnownVectors.bytes(known.message)
      #expect(try StreamOpening.decode(bytes).encoded == bytes, "\(known.name)")
    }
  }

  @Test func eachMessageOfARelayIsReadAndWrittenAlike() throws {
    #expect(vectors.relayed.count == 10)
    for known in vectors.relayed {
      let bytes = try KnownVectors.bytes(known.message)
      let message = try RelayMessage.decode(bytes)
      #expect(message.encoded == bytes, "\(known.name)")
      #expect("\(message)".hasPrefix(known.name))
    }
  }
}
