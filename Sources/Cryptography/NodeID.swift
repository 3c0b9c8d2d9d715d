public import Wire

/// Who a node is in the DHT: BLAKE2b-256 of its public key, so that ids can't be chosen freely.
public struct NodeID: Hashable, Sendable, Comparable, CustomStringConvertible {
  /// The 32 bytes.
  public let bytes: Bytes32

  /// The id with these bytes, for keys of other kinds and for simulations.
  public init(_ bytes: Bytes32) {
    self.bytes = bytes
  }

  /// The id of the node with this key.
  public init(of key: PublicKey) {
    bytes = BLAKE2b.hash256(key.bytes.bytes)
  }

  /// Whether the left id is the smaller number.
  public static func < (left: NodeID, right: NodeID) -> Bool {
    left.bytes < right.bytes
  }

  /// 64 hexadecimal digits.
  public var description: String { bytes.hex }
}
