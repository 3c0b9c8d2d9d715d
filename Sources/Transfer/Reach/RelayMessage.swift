public import Cryptography
public import Wire

/// What nodes and relays say to each other. The messages travel in sealed datagrams, as the openings of
/// UDP streams do, whose kinds they continue.
public enum RelayMessage: Equatable, Sendable {
  /// A node that others don't reach asks a relay to take in datagrams for it.
  case register(token: UInt64)
  /// The relay does, for a while.
  case registered(token: UInt64)
  /// A node asks a relay for a way to one that registered there.
  case ask(token: UInt64, peer: PublicKey)
  /// The relay tells the registered node that somebody wants such a way, where that node is, and the
  /// slot's number.
  case offer(slot: UInt64, peer: PublicKey, at: Address)
  /// The registered node agrees.
  case take(slot: UInt64)
  /// The relay grants the way, and says where the other node is.
  case grant(token: UInt64, slot: UInt64, at: Address)
  /// A register, an ask or, with the slot for a token, an offer is refused.
  case refuse(token: UInt64, Refusal)
  /// A slot is no more.
  case close(slot: UInt64, Refusal)
  /// From one end to the other: what stands before it, so that both may try each other's ports.
  case probe(isAnswer: Bool, BirthdayProbe.NAT)
  /// What each sends to the other's ports.
  case knock

  /// Why something is refused, or over.
  public enum Refusal: UInt8, Sendable, CaseIterable {
    /// It is not wanted any more.
    case done = 0
    /// The node relays nothing.
    case notRelaying = 1
    /// The node that is asked for did not register.
    case unknownPeer = 2
    /// All slots are taken, or those of one of the two nodes.
    case busy = 3
    /// The bytes of this hour are used up, or those of one of the two nodes.
    case overQuota = 4
    /// The node that is asked for does not want it.
    case unwilling = 5
  }

  /// Why bytes are not such a message.
  public enum DecodeError: Error, Equatable, Sendable {
    /// The first byte is not that of openings.
    case notOurs
    /// A kind that is not known.
    case unknownKind(UInt8)
    /// Shorter than its fields.
    case truncated
    /// A field outside its bounds.
    case outOfBounds
  }

  /// The kinds, beyond those of `StreamOpening`.
  public static let kinds: ClosedRange<UInt8> = 16...25
  /// The length of a request; no answer is longer.
  static let requestLength = 2 + 8 + 32
  /// The first byte of a datagram that a relay passes on: the slot's number and the datagram follow.
  public static let detour: UInt8 = 3
  /// The bytes before the datagram.
  public static let detourLength = 1 + 8

  /// The message as bytes.
  public var encoded: [UInt8] {
    var bytes: [UInt8] = [StreamOpening.mark]
    switch self {
    case .register(let token):
      Self.append(16, token, to: &bytes)
      bytes += [UInt8](repeating: 0, count: Self.requestLength - bytes.count)
    case .registered(let token): Self.append(17, token, to: &bytes)
    case .ask(let token, let peer):
      Self.append(18, token, to: &bytes)
      bytes += peer.bytes.bytes
    case .offer(let slot, let peer, let address):
      Self.append(19, slot, to: &bytes)
      bytes += peer.bytes.bytes
      Self.append(address, to: &bytes)
    case .take(let slot): Self.append(20, slot, to: &bytes)
    case .grant(let token, let slot, let address):
      Self.append(21, token, to: &bytes)
      StreamFrameWriter.append(word: slot, to: &bytes)
      Self.append(address, to: &bytes)
    case .refuse(let token, let reason):
      Self.append(22, token, to: &bytes)
      bytes.append(reason.rawValue)
    case .close(let slot, let reason):
      Self.append(23, slot, to: &bytes)
      bytes.append(reason.rawValue)
    case .probe(let isAnswer, let nat): bytes += [24, isAnswer ? 1 : 0, nat.rawValue]
    case .knock: bytes.append(25)
    }
    return bytes
  }

  /// The message that the bytes are; what follows its fields is padding.
  public static func decode(_ bytes: [UInt8]) throws(DecodeError) -> RelayMessage {
    guard bytes.first == StreamOpening.mark else { throw .notOurs }
    guard bytes.count >= 2 else { throw .truncated }
    guard kinds.contains(bytes[1]) else { throw .unknownKind(bytes[1]) }
    switch bytes[1] {
    case 24: return try probe(in: bytes)
    case 25: return .knock
    default: return try numbered(bytes, word(in: bytes, at: 2))
    }
  }

  private static func probe(in bytes: [UInt8]) throws(DecodeError) -> RelayMessage {
    guard bytes.count >= 4 else { throw .truncated }
    guard bytes[2] <= 1, let nat = BirthdayProbe.NAT(rawValue: bytes[3]) else { throw .outOfBounds }
    return .probe(isAnswer: bytes[2] == 1, nat)
  }

  private static func numbered(
    _ bytes: [UInt8], _ number: UInt64
  ) throws(DecodeError) -> RelayMessage {
    switch bytes[1] {
    case 16:
      guard bytes.count >= requestLength else { throw .truncated }
      return .register(token: number)
    case 17: return .registered(token: number)
    case 18: return .ask(token: number, peer: try key(in: bytes))
    case 19:
      return .offer(
        slot: number, peer: try key(in: bytes), at: try address(in: bytes, at: requestLength))
    case 20: return .take(slot: number)
    case 21:
      return .grant(
        token: number, slot: try word(in: bytes, at: 10), at: try address(in: bytes, at: 18))
    case 22: return .refuse(token: number, try reason(in: bytes))
    default: return .close(slot: number, try reason(in: bytes))
    }
  }

  private static func append(_ kind: UInt8, _ number: UInt64, to bytes: inout [UInt8]) {
    bytes.append(kind)
    StreamFrameWriter.append(word: number, to: &bytes)
  }

  private static func append(_ address: Address, to bytes: inout [UInt8]) {
    bytes.append(UInt8(address.compact.count))
    bytes += address.compact
  }

  private static func address(in bytes: [UInt8], at place: Int) throws(DecodeError) -> Address {
    guard bytes.count > place, bytes.count > place + Int(bytes[place]) else { throw .truncated }
    let compact = bytes[(place + 1)...].prefix(Int(bytes[place]))
    guard let address = Address(compact: compact), address.ip.isUnicast else { throw .outOfBounds }
    return address
  }

  private static func word(in bytes: [UInt8], at place: Int) throws(DecodeError) -> UInt64 {
    guard bytes.count >= place + 8 else { throw .truncated }
    var value: UInt64 = 0
    for byte in bytes[place..<place + 8] { value = value << 8 | UInt64(byte) }
    return value
  }

  private static func key(in bytes: [UInt8]) throws(DecodeError) -> PublicKey {
    guard bytes.count >= requestLength else { throw .truncated }
    guard let key = PublicKey(bytes[10..<requestLength]) else { throw .outOfBounds }
    return key
  }

  private static func reason(in bytes: [UInt8]) throws(DecodeError) -> Refusal {
    guard bytes.count > 10 else { throw .truncated }
    guard let reason = Refusal(rawValue: bytes[10]) else { throw .outOfBounds }
    return reason
  }
}
