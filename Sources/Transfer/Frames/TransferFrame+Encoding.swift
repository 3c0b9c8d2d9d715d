import Cryptography
import Wire

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

extension TransferFrame {
  /// The encoded message without its length.
  public var encoded: [UInt8] {
    var message = Larder_TransferFrame()
    message.payload = payload
    return ProtobufCodec.encode(message)
  }

  /// The frame as it is on the wire: the 4-byte big-endian length, then the message.
  ///
  /// The raw bytes of a block follow separately.
  public var framed: [UInt8] {
    let message = encoded
    let count = UInt32(message.count)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(message.count + 4)
    for shift in [24, 16, 8, 0] as [UInt32] {
      bytes.append(UInt8(truncatingIfNeeded: count >> shift))
    }
    bytes.append(contentsOf: message)
    return bytes
  }

  private var payload: Larder_TransferFrame.OneOf_Payload {
    switch self {
    case .hello(let hello):
      var message = Larder_Hello()
      message.version = UInt32(clamping: hello.version)
      message.network = hello.network
      message.credit = UInt32(clamping: hello.credit)
      return .hello(message)
    case .want(let stream, let root):
      var message = Larder_Want()
      message.stream = stream
      message.root = Data(root.bytes.bytes)
      return .want(message)
    case .have(let have): return .have(Self.message(have))
    case .hashRequest(let stream, let range):
      var message = Larder_HashRequest()
      message.stream = stream
      message.level = UInt32(range.level.rawValue)
      message.start = UInt32(clamping: range.start)
      message.count = UInt32(clamping: range.count)
      return .hashRequest(message)
    case .hashes(let stream, let level, let start, let digests):
      var message = Larder_Hashes()
      message.stream = stream
      message.level = UInt32(level.rawValue)
      message.start = UInt32(clamping: start)
      message.digests = Self.joined(digests)
      return .hashes(message)
    case .blockRequest(let stream, let blocks):
      var message = Larder_BlockRequest()
      message.stream = stream
      message.start = UInt32(clamping: blocks.lowerBound)
      message.count = UInt32(clamping: blocks.count)
      return .blockRequest(message)
    case .blockData(let stream, let block, let length):
      var message = Larder_BlockData()
      message.stream = stream
      message.block = UInt32(clamping: block)
      message.length = UInt32(clamping: length)
      return .blockData(message)
    case .cancel(let stream, let blocks):
      var message = Larder_Cancel()
      message.stream = stream
      message.start = UInt32(clamping: blocks.lowerBound)
      message.count = UInt32(clamping: blocks.count)
      return .cancel(message)
    case .choke: return .choke(Larder_Choke())
    case .unchoke: return .unchoke(Larder_Unchoke())
    case .goodbye(let reason):
      var message = Larder_Goodbye()
      message.reason = UInt32(reason.rawValue)
      return .goodbye(message)
    case .reject(let stream, let reason):
      var message = Larder_Reject()
      message.stream = stream
      message.reason = UInt32(reason.rawValue)
      return .reject(message)
    }
  }

  private static func message(_ have: Have) -> Larder_Have {
    var message = Larder_Have()
    message.stream = have.stream
    message.size = have.size
    if let blocks = have.blocks { message.blocks = Data(blocks) }
    if let inline = have.inline { message.inline = Data(inline) }
    if let layer = have.layer {
      message.layer = joined(layer.digests)
      message.layerLevel = UInt32(layer.level.rawValue)
    }
    return message
  }

  private static func joined(_ digests: [Bytes32]) -> Data {
    var bytes = Data(capacity: digests.count * 32)
    for digest in digests { bytes.append(contentsOf: digest.bytes) }
    return bytes
  }
}
