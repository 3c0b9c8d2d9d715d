public import Wire

/// The messages of the opening exchange of a UDP stream. They travel in sealed datagrams, beside the
/// DHT's messages: no protobuf message begins with the byte zero.
///
/// The sealing says who speaks, the cookie proves where; what an opener without a cookie gets back is
/// shorter than what it sent.
public enum StreamOpening: Equatable, Sendable {
  /// Asks for a stream: the session by which the opener is written to, its ephemeral key and credit,
  /// and whether it would have AES.
  case open(session: UInt64, ephemeral: Bytes32, credit: UInt64, offersAES: Bool)
  /// Grants it: the opener's session, the acceptor's, its ephemeral key and credit, and whether packets
  /// are sealed with AES.
  case accept(opener: UInt64, session: UInt64, ephemeral: Bytes32, credit: UInt64, usesAES: Bool)
  /// Asks for the same again with this cookie.
  case retry(opener: UInt64, cookie: [UInt8])
  /// Refuses it.
  case refuse(opener: UInt64, reason: Refusal)

  /// Why no stream is granted.
  public enum Refusal: UInt8, Sendable {
    /// As many streams are open as may be.
    case busy = 1
    /// The opener is banned. Who sends none of these says so by a goodbye over the stream.
    case banned = 2
  }

  /// Why bytes are not such a message.
  public enum DecodeError: Error, Equatable, Sendable {
    /// The first byte is not zero.
    case notOurs
    /// A kind that is not known.
    case unknownKind(UInt8)
    /// Shorter than its fields.
    case truncated
    /// A field outside its bounds.
    case outOfBounds
  }

  /// The first byte of each message.
  public static let mark: UInt8 = 0
  /// The length of a cookie.
  static let cookieLength = 16
  /// An OPEN is padded to this, an ACCEPT's length, so that nothing is amplified.
  static let openLength = 2 + 8 + 8 + 32 + 8 + 1
  /// The octet of ciphers that says AES-256-GCM; any other is ChaCha20-Poly1305.
  static let aes: UInt8 = 1

  /// The message as bytes.
  public var encoded: [UInt8] {
    var bytes: [UInt8] = [Self.mark]
    switch self {
    case .open(let session, let ephemeral, let credit, let offersAES):
      bytes.append(1)
      StreamFrameWriter.append(word: session, to: &bytes)
      bytes += ephemeral.bytes
      StreamFrameWriter.append(word: credit, to: &bytes)
      bytes.append(offersAES ? Self.aes : 0)
      bytes += [UInt8](repeating: 0, count: Self.openLength - bytes.count)
    case .accept(let opener, let session, let ephemeral, let credit, let usesAES):
      bytes.append(2)
      StreamFrameWriter.append(word: opener, to: &bytes)
      StreamFrameWriter.append(word: session, to: &bytes)
      bytes += ephemeral.bytes
      StreamFrameWriter.append(word: credit, to: &bytes)
      bytes.append(usesAES ? Self.aes : 0)
    case .retry(let opener, let cookie):
      bytes.append(3)
      StreamFrameWriter.append(word: opener, to: &bytes)
      bytes += cookie
    case .refuse(let opener, let reason):
      bytes.append(4)
      StreamFrameWriter.append(word: opener, to: &bytes)
      bytes.append(reason.rawValue)
    }
    return bytes
  }

  /// The message that the bytes are; what follows its fields is padding.
  public static func decode(_ bytes: [UInt8]) throws(DecodeError) -> StreamOpening {
    guard bytes.first == mark else { throw .notOurs }
    guard bytes.count >= 2 else { throw .truncated }
    var fields = Fields(bytes: bytes[2...])
    switch bytes[1] {
    case 1:
      guard bytes.count >= openLength else { throw .truncated }
      return .open(
        session: try fields.word(), ephemeral: try fields.key(), credit: try fields.credit(),
        offersAES: try fields.take(1).first == aes)
    case 2:
      return .accept(
        opener: try fields.word(), session: try fields.word(), ephemeral: try fields.key(),
        credit: try fields.credit(), usesAES: try fields.take(1).first == aes)
    case 3:
      return .retry(opener: try fields.word(), cookie: Array(try fields.take(cookieLength)))
    case 4:
      let opener = try fields.word()
      guard let reason = Refusal(rawValue: try fields.take(1).first ?? 0) else {
        throw .outOfBounds
      }
      return .refuse(opener: opener, reason: reason)
    default: throw .unknownKind(bytes[1])
    }
  }

  private struct Fields {
    var bytes: ArraySlice<UInt8>

    mutating func take(_ count: Int) throws(DecodeError) -> ArraySlice<UInt8> {
      guard bytes.count >= count else { throw .truncated }
      defer { bytes = bytes.dropFirst(count) }
      return bytes.prefix(count)
    }

    mutating func word() throws(DecodeError) -> UInt64 {
      var value: UInt64 = 0
      for byte in try take(8) { value = value << 8 | UInt64(byte) }
      return value
    }

    mutating func credit() throws(DecodeError) -> UInt64 {
      let credit = try word()
      guard credit <= StreamFrame.offsetLimit else { throw .outOfBounds }
      return credit
    }

    mutating func key() throws(DecodeError) -> Bytes32 {
      guard let key = Bytes32(try take(32)) else { throw .truncated }
      return key
    }
  }
}
