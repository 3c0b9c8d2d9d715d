public import DHT

/// What the DHT is told by those who look for ways to other nodes.
extension DHTService {
  /// Enters the network through a node that was met by other means than the DHT, unless it was met
  /// before and somebody answers; returns when that is done. Cancellation leaves nothing behind.
  public func meet(_ contact: Contact, isNew: Bool) async {
    guard contact.key != key, isNew || machine.isIsolated else { return }
    _ = await perform(.join([contact]))
  }
}
