/// Bytes that must not leave the process: printing a value that holds them shows a placeholder, so
/// that no log line or crash report carries a key.
struct SecretBytes: Sendable, CustomStringConvertible, CustomReflectable {
  let bytes: [UInt8]

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
  }

  var description: String { "(secret)" }

  var customMirror: Mirror { Mirror(self, children: []) }
}
