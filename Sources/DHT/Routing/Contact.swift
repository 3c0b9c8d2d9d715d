public import Cryptography
public import Wire

/// A node as others know it: its key, the id that follows from the key, and where it answers.
public struct Contact: Hashable, Sendable {
  /// The node key.
  public let key: PublicKey
  /// BLAKE2b-256 of the key, its place in the DHT.
  public let id: NodeID
  /// Where its datagrams come from and go to.
  public let address: Address
  /// Whether the address is reachable from the whole internet; kept because it is asked for often.
  let isGlobal: Bool

  /// The node with this key at this address.
  public init(key: PublicKey, address: Address) {
    self.key = key
    id = NodeID(of: key)
    self.address = address
    isGlobal = address.ip.isGlobal
  }

  /// The node with this key, whose id is known already; simulations give attackers ids of their choice.
  package init(key: PublicKey, id: NodeID, address: Address) {
    self.key = key
    self.id = id
    self.address = address
    isGlobal = address.ip.isGlobal
  }

  /// Whether both are the same node at the same address; the id follows from the key.
  public static func == (left: Contact, right: Contact) -> Bool {
    left.key == right.key && left.address == right.address
  }

  /// Feeds the key, which is all but unique.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(key)
  }
}

extension Contact: CustomStringConvertible {
  /// The first digits of the key and the address.
  public var description: String { "\(key.bytes.hex.prefix(8))@\(address)" }
}
