public import SwiftProtobuf

/// Encoding and bounded decoding of protobuf messages, so that other modules need not import the
/// library.
public enum ProtobufCodec {
  /// Why bytes are not a message.
  public enum DecodeError: Error, Equatable, Sendable {
    /// More bytes than the caller's limit.
    case tooLarge(Int, limit: Int)
    /// Not an encoding of that message type.
    case malformed
  }

  /// The encoding of `message`.
  public static func encode(_ message: some SwiftProtobuf.Message) -> [UInt8] {
    // Encoding fails only for required fields, which proto3 does not have.
    (try? message.serializedBytes()) ?? []
  }

  /// The message that `bytes` encode.
  ///
  /// At most `limit` bytes and 16 nested messages are read, unknown fields are dropped.
  public static func decode<M: SwiftProtobuf.Message>(
    _ type: M.Type, from bytes: [UInt8], limit: Int
  ) throws(DecodeError) -> M {
    guard bytes.count <= limit else { throw .tooLarge(bytes.count, limit: limit) }
    var options = BinaryDecodingOptions()
    options.messageDepthLimit = 16
    options.discardUnknownFields = true
    do {
      return try M(serializedBytes: bytes, options: options)
    } catch {
      throw .malformed
    }
  }
}
