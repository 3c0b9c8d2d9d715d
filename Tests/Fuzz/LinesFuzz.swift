import NIOCore
import NIOEmbedded

@testable import Node

/// The control socket's lines, however the bytes are cut.
enum LinesFuzz {
  private static let limit = 64

  static let target: FuzzTarget = { bytes in
    let whole = lines(of: bytes, cut: bytes.count)
    precondition(whole == lines(of: bytes, cut: 1 + bytes.count % 7), "lines depend on the cuts")
    var expected: [[UInt8]] = []
    for line in bytes.split(separator: 10, omittingEmptySubsequences: false).dropLast() {
      guard line.count <= limit else { break }
      expected.append(Array(line))
    }
    precondition(whole == expected, "a line changed on its way")
  }

  /// The lines that come out when so many bytes come in at a time.
  private static func lines(of bytes: [UInt8], cut: Int) -> [[UInt8]] {
    let channel = EmbeddedChannel(handler: ByteToMessageHandler(LineDecoder(limit: limit)))
    defer { _ = try? channel.finish(acceptAlreadyClosed: true) }
    var rest = bytes[...]
    while !rest.isEmpty {
      let part = rest.prefix(max(1, cut))
      rest = rest.dropFirst(part.count)
      guard (try? channel.writeInbound(ByteBuffer(bytes: part))) != nil else { break }
    }
    var lines: [[UInt8]] = []
    while let line = try? channel.readInbound(as: ByteBuffer.self) {
      lines.append(Array(line.readableBytesView))
    }
    return lines
  }
}
