import NIOCore

/// Cuts a byte stream into lines of bounded length, without their newline.
struct LineDecoder: ByteToMessageDecoder {
  typealias InboundOut = ByteBuffer

  /// A line that is longer than the decoder's limit.
  struct TooLong: Error {
    let limit: Int
  }

  let limit: Int
  private var searched = 0

  init(limit: Int) {
    self.limit = limit
  }

  mutating func decode(
    context: ChannelHandlerContext, buffer: inout ByteBuffer
  ) throws -> DecodingState {
    let view = buffer.readableBytesView
    guard let newline = view.dropFirst(searched).firstIndex(of: 10) else {
      guard view.count <= limit else { throw TooLong(limit: limit) }
      searched = view.count
      return .needMoreData
    }
    let length = newline - view.startIndex
    searched = 0
    guard length <= limit else { throw TooLong(limit: limit) }
    guard let line = buffer.readSlice(length: length) else { return .needMoreData }
    buffer.moveReaderIndex(forwardBy: 1)
    context.fireChannelRead(wrapInboundOut(line))
    return .continue
  }

  mutating func decodeLast(
    context: ChannelHandlerContext, buffer: inout ByteBuffer, seenEOF: Bool
  ) throws -> DecodingState {
    while try decode(context: context, buffer: &buffer) == .continue {}
    return .needMoreData
  }
}
