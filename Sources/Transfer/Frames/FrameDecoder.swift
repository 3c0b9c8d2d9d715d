import Wire

/// Cuts a stream of bytes into frames and blocks, taking no more memory than their bounds.
///
/// The driver keeps the bytes: it asks for `needed` of them at a time and hands them over.
public struct FrameDecoder: Sendable {
  /// What one step gave.
  public enum Event: Sendable, Equatable {
    /// A whole frame, which no block follows.
    case frame(TransferFrame)
    /// A block with its raw bytes.
    case block(stream: UInt32, index: Int, bytes: [UInt8])
  }

  private enum State {
    case length
    case message(Int)
    case block(stream: UInt32, index: Int, length: Int)
  }

  private var state = State.length

  /// The decoder at the beginning of a stream.
  public init() {}

  /// How many bytes the next step takes: at most `Limits.frame`.
  public var needed: Int {
    switch state {
    case .length: 4
    case .message(let length): length
    case .block(_, _, let length): length
    }
  }

  /// Whether the stream stands between two frames.
  public var isBetweenFrames: Bool {
    if case .length = state { true } else { false }
  }

  /// Takes exactly `needed` bytes; returns what they complete.
  ///
  /// After an error the stream is of no further use.
  public mutating func step(
    _ bytes: [UInt8]
  ) throws(TransferFrame.DecodeError) -> Event? {
    precondition(bytes.count == needed, "\(bytes.count) bytes where \(needed) are needed")
    switch state {
    case .length:
      var length = 0
      for byte in bytes { length = length << 8 | Int(byte) }
      guard length <= Limits.frame else { throw .tooLarge(length, limit: Limits.frame) }
      guard length > 0 else { throw .malformed }
      state = .message(length)
      return nil
    case .message:
      let frame = try TransferFrame.decode(bytes)
      if case .blockData(let stream, let block, let length) = frame {
        state = .block(stream: stream, index: block, length: length)
        return nil
      }
      state = .length
      return .frame(frame)
    case .block(let stream, let index, _):
      state = .length
      return .block(stream: stream, index: index, bytes: bytes)
    }
  }
}
