import Wire

/// Our address as others see it: the one that most of the last observers name.
struct Observations: Sendable {
  private struct Vote: Sendable {
    let observer: IPAddress
    let address: Address
  }

  private var votes: [Vote] = []
  private static let limit = 16

  /// Notes what an observer said; each network has one vote, the latest.
  mutating func add(_ address: Address, by observer: Address) {
    let network = observer.ip.isGlobal ? observer.ip.network(24) : observer.ip
    votes.removeAll { $0.observer == network }
    if votes.count == Self.limit { votes.removeFirst() }
    votes.append(Vote(observer: network, address: address))
  }

  /// The address that each observer names now, the latest first.
  var all: [Address] { votes.reversed().map(\.address) }

  /// The address with the most votes, the latest among equals; nil without any.
  var address: Address? {
    var best: (address: Address, votes: Int)?
    for vote in votes.reversed() {
      let count = votes.count { $0.address == vote.address }
      if count > best?.votes ?? 0 { best = (vote.address, count) }
    }
    return best?.address
  }
}
