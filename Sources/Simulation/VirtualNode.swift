public import DHT
import Wire

/// One node of a virtual network.
public struct VirtualNode: Sendable {
  /// Its machine.
  public internal(set) var machine: Kademlia
  /// Its key, and its address as the network sees it.
  public let contact: Contact
  /// Whether it runs; a node that does not is silent.
  public internal(set) var isAlive = true
  /// Whether it hands its records on and goes then.
  var isLeaving = false
  /// Whether its answers are those of the ring of liars.
  public internal(set) var isLiar = false
  /// What stands between it and the network.
  public internal(set) var nat = NATKind.open
  /// Nodes of different sides don't hear each other.
  public internal(set) var side = 0
  /// Where on the plane it lies; distance is delay.
  let x: Float
  let y: Float
  /// Tells the nodes that lived in one place after each other apart.
  let generation: UInt32
  var wakesAt = UInt64.max
}

/// A datagram on its way.
struct Parcel: Sendable {
  let message: Message
  /// Whom the receiver sees as the sender.
  let sender: Contact
  let from: Int
  let to: Int
  /// The receiver's generation when it was sent.
  let generation: UInt32
  let isProven: Bool
}
