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

  /// The addresses at which others see this node, the latest first; at most 16.
  public var observedAddresses: [Address] { machine.observedAddresses }

  /// Takes the address at which a router passes streams on to this node, or nil when it does no longer;
  /// announcements name it first, from the next look at the own address on.
  public func takeMapped(_ address: Address?) {
    mappedAddress = address
  }
}
