/// How many contacts of a routing table are in which state.
public struct ContactStates: Sendable, Equatable {
  /// The last request was answered.
  public let answering: Int
  /// One request went unanswered.
  public let doubtful: Int
  /// Two or more in a row did: told to nobody, and replaced as soon as somebody waits.
  public let silent: Int
}

extension Kademlia {
  /// The routing table's contacts by state.
  public var contactStates: ContactStates {
    let answering = table.answeringCount
    let live = table.liveCount
    return ContactStates(
      answering: answering, doubtful: live - answering, silent: table.count - live)
  }
}

extension KademliaCounters {
  /// How many stores ended with this result.
  public func count(of result: StoreResult) -> UInt64 {
    guard result != .stored else { return storesAccepted }
    let place = Int(result.rawValue)
    return storesRefused.indices.contains(place) ? storesRefused[place] : 0
  }
}
