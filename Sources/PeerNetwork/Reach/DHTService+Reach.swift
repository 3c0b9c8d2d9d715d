public import DHT
public import Wire

/// What the DHT is told by those who look for ways to other nodes.
extension DHTService {
  /// Enters the network through a node that was met by other means than the DHT, unless it was met
  /// before and somebody answers; returns when that is done. Cancellation leaves nothing behind.
  public func meet(_ contact: Contact, isNew: Bool) async {
    guard contact.key != key, isNew || machine.isIsolated else { return }
    _ = await perform(.join([contact]))
  }

  /// Whether others begin conversations with this node; nil if that is not known.
  public var isReached: Bool? { machine.isReached }

  /// The addresses at which others see this node, the latest first, one of each network of theirs; at
  /// most 16.
  public var observedAddresses: [Address] { machine.observedAddresses }

  /// Takes what a router passes on to this node, or nil when it does no longer; announcements name the
  /// address of its streams first, from the next look at the own address on.
  ///
  /// An address that only those behind one more NAT can use is not told to the world.
  public func takeMapped(_ mapping: PortMapping?) {
    mappedAddress = mapping.flatMap { $0.isPublic ? $0.address : nil }
  }
}
