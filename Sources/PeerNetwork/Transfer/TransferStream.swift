import Transfer

/// A frame on its way out, or consecutive blocks of one stream with their frames.
enum OutboundFrame: Sendable {
  case frame(TransferFrame)
  /// Blocks from `first` on: all of 64 KiB but the last, which may be shorter.
  case blocks(stream: UInt32, first: Int, bytes: [UInt8])

  /// The bytes of a blob in it.
  var payload: Int {
    switch self {
    case .frame(.have(let have)): have.inline?.count ?? 0
    case .frame: 0
    case .blocks(_, _, let bytes): bytes.count
    }
  }
}

/// What came in over a connection.
enum InboundEvent: Sendable {
  case frame(TransferFrame)
  /// Blocks of one stream that were read together, in the order of their arrival.
  case blocks(stream: UInt32, [ReceivedBlock])

  /// Whether a node greets or takes leave.
  var isGreetingOrGoodbye: Bool {
    switch self {
    case .frame(.hello), .frame(.goodbye): true
    case .frame, .blocks: false
    }
  }
}

/// One block as it came in, not checked yet.
struct ReceivedBlock: Sendable {
  let index: Int
  let bytes: [UInt8]
}
