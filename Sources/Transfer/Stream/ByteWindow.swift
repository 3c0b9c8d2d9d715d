/// The bytes of a stream between two offsets that both only rise, kept in pieces that exist only while
/// there is something in them.
struct ByteWindow: Sendable {
  private static let chunk = 32 << 10

  private var chunks: [[UInt8]] = []
  private var spare: [UInt8] = []
  /// The offset of the first byte of the first piece.
  private var origin: UInt64 = 0
  /// Everything below has been released.
  private(set) var start: UInt64 = 0

  /// The memory that is taken, in bytes.
  var allocated: Int {
    chunks.reduce(spare.count) { $0 + $1.count }
  }

  /// Puts bytes at an offset that is not below `start`.
  mutating func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) {
    precondition(offset >= start, "byte \(offset) below \(start)")
    var left = bytes
    var position = Int(offset - origin)
    while !left.isEmpty {
      let index = position / Self.chunk
      let inside = position % Self.chunk
      while chunks.count <= index { chunks.append([]) }
      if chunks[index].isEmpty { chunks[index] = fresh() }
      let count = min(left.count, Self.chunk - inside)
      chunks[index].withUnsafeMutableBytes { chunk in
        UnsafeMutableRawBufferPointer(rebasing: chunk[inside..<inside + count])
          .copyMemory(from: UnsafeRawBufferPointer(rebasing: left[..<count]))
      }
      left = UnsafeRawBufferPointer(rebasing: left[count...])
      position += count
    }
  }

  /// Hands out the bytes of a range that was written, in order, in as few pieces as there are.
  func read(_ range: Range<UInt64>, _ body: (UnsafeRawBufferPointer) -> Void) {
    precondition(range.lowerBound >= start, "byte \(range.lowerBound) below \(start)")
    var position = Int(range.lowerBound - origin)
    var left = range.count
    while left > 0 {
      let inside = position % Self.chunk
      let count = min(left, Self.chunk - inside)
      chunks[position / Self.chunk].withUnsafeBytes { chunk in
        body(UnsafeRawBufferPointer(rebasing: chunk[inside..<inside + count]))
      }
      position += count
      left -= count
    }
  }

  /// Lets go of everything below an offset.
  mutating func release(below offset: UInt64) {
    guard offset > start else { return }
    start = offset
    let passed = Int(offset - origin) / Self.chunk
    guard passed > 0 else { return }
    for index in 0..<min(passed, chunks.count) where !chunks[index].isEmpty {
      spare = chunks[index]
      chunks[index] = []
    }
    chunks.removeFirst(min(passed, chunks.count))
    origin += UInt64(passed * Self.chunk)
  }

  /// Lets go of the piece that is kept for the next bytes.
  mutating func trim() {
    spare = []
    if chunks.allSatisfy(\.isEmpty) { chunks = [] }
  }

  private mutating func fresh() -> [UInt8] {
    guard spare.isEmpty else {
      let chunk = spare
      spare = []
      return chunk
    }
    return [UInt8](repeating: 0, count: Self.chunk)
  }
}
