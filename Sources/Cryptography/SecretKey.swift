/// Thirty-two secret bytes that lie in the value itself: a node keeps two for each of thousands of peers.
///
/// Printing a value that holds it shows a placeholder, as with `SecretBytes`.
struct SecretKey: Sendable, CustomStringConvertible, CustomReflectable {
  /// In the order of memory; no number is meant.
  private let words: (UInt64, UInt64, UInt64, UInt64)

  /// The key of exactly 32 bytes.
  init(_ bytes: [UInt8]) {
    precondition(bytes.count == 32, "\(bytes.count) bytes")
    words = bytes.withUnsafeBytes {
      (
        $0.loadUnaligned(as: UInt64.self), $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self),
        $0.loadUnaligned(fromByteOffset: 16, as: UInt64.self),
        $0.loadUnaligned(fromByteOffset: 24, as: UInt64.self)
      )
    }
  }

  /// Calls `body` with a pointer to the 32 bytes, valid during the call.
  func withBytes<Result>(_ body: (UnsafePointer<UInt8>) -> Result) -> Result {
    withUnsafePointer(to: words) {
      $0.withMemoryRebound(to: UInt8.self, capacity: 32) { body(UnsafePointer($0)) }
    }
  }

  var description: String { "(secret)" }

  var customMirror: Mirror { Mirror(self, children: []) }
}
