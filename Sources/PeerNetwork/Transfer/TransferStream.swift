import Transfer

/// A frame on its way out, or consecutive blocks of one stream with their frames.
enum OutboundFrame: Sendable {
  case frame(TransferFrame)
  /// Blocks from `first` on: all of 64 KiB but the last, which may be shorter.
  case blocks(stream: UInt32, first: Int, bytes: [UInt8])
}

/// What came in over a connection.
enum InboundEvent: Sendable {
  case frame(TransferFrame)
  /// Blocks of one stream that were read together, in the order of their arrival.
  case blocks(stream: UInt32, [ReceivedBlock])
}

/// One block as it came in, not checked yet.
struct ReceivedBlock: Sendable {
  let index: Int
  let bytes: [UInt8]
}
