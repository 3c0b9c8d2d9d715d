import Cryptography
import Foundation
import GRDB
import Wire

extension Bytes32 {
  /// The value as a column holds it.
  var column: Data { Data(bytes) }
}

extension ContentRoot {
  /// The value as a column holds it.
  var column: Data { bytes.column }
}

extension Row {
  /// The 32 bytes of a column; zero for what only an altered database can hold.
  func bytes32(_ name: String) -> Bytes32 {
    let data: Data? = self[name]
    return Bytes32(data ?? Data()) ?? .zero
  }

  func root(_ name: String = "root") -> ContentRoot {
    ContentRoot(bytes32(name))
  }

  func bytes(_ name: String) -> [UInt8] {
    let data: Data? = self[name]
    return Array(data ?? Data())
  }

  func timestamp(_ name: String) -> Timestamp {
    Timestamp(self[name] as Int64? ?? 0)
  }

  func number(_ name: String) -> UInt64 {
    UInt64(bitPattern: self[name] as Int64? ?? 0)
  }

  func text(_ name: String) -> String {
    self[name] as String? ?? ""
  }
}
