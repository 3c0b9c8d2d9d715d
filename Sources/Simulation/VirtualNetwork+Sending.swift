import DHT
import Wire

/// The way of a datagram: NATs, loss, delay.
extension VirtualNetwork {
  mutating func send(_ message: Message, from: Int, to contact: Contact) {
    let target = receiver(of: contact.address)
    let hasCookie = target.map { cookies.has(holder: from, giver: $0, now: clock.now) } ?? false
    byteCount += MessageSize.datagram(message, hasCookie: hasCookie)
    if message.isRequest { requestCount += 1 }
    guard let to = target else { return }
    var sender = nodes[from].contact
    if nodes[from].nat != .open {
      written[from, default: Mappings()].wrote(to: to, now: clock.now)
      if nodes[from].nat == .symmetric {
        let outer = Address(ip: sender.address.ip, port: Self.outerPort(for: to))
        sender = Contact(key: sender.key, id: sender.id, address: outer)
      }
    }
    guard nodes[to].contact.key == contact.key || nodes[to].nat != .open else { return }
    if nodes[to].nat != .open, !passes(from, to, contact.address.port) { return }
    if conditions.loss > 0, Double.random(in: 0..<1, using: &random) < conditions.loss { return }
    var delay = oneWay(from, to)
    let jitter = UInt64(conditions.jitter.nanoseconds)
    if jitter > 0 { delay += random.next() % jitter }
    let parcel = Parcel(
      message: message, sender: sender, from: from, to: to, generation: nodes[to].generation,
      isProven: hasCookie)
    let place: Int
    if let free = freeParcels.popLast() {
      place = free
      parcels[place] = parcel
    } else {
      place = parcels.count
      parcels.append(parcel)
    }
    events.insert(.parcel, place, at: clock.now.nanoseconds + delay)
  }

  /// The one-way delay between two nodes without jitter, in nanoseconds.
  func oneWay(_ one: Int, _ other: Int) -> UInt64 {
    let dx = nodes[one].x - nodes[other].x
    let dy = nodes[one].y - nodes[other].y
    let share = Double((dx * dx + dy * dy).squareRoot()) / 2.0.squareRoot()
    let least = Double(conditions.delay.lowerBound.nanoseconds)
    let span = Double(conditions.delay.upperBound.nanoseconds) - least
    return UInt64(least + span * share)
  }

  /// The mean round trip of random pairs, jitter included: what "an RTT" of a figure means.
  public func meanRoundTrip() -> Duration {
    guard nodes.count > 1 else { return .zero }
    var draw = SplitMix64(seed: 1)
    var sum = 0.0
    for _ in 0..<2_000 {
      let one = Int(draw.next() % UInt64(nodes.count))
      let other = Int(draw.next() % UInt64(nodes.count))
      sum += Double(oneWay(one, other))
    }
    return .nanoseconds(Int64(sum / 1_000)) + conditions.jitter
  }

  private func receiver(of address: Address) -> Int? {
    indexOfAddress[address] ?? (natted.isEmpty ? nil : natted[address.ip])
  }

  /// Whether a NAT lets a datagram in.
  private func passes(_ from: Int, _ to: Int, _ port: UInt16) -> Bool {
    guard let mappings = written[to] else { return false }
    switch nodes[to].nat {
    case .open: return true
    case .cone:
      return port == nodes[to].contact.address.port && mappings.isUsed(now: clock.now)
    case .restricted:
      return port == nodes[to].contact.address.port && mappings.isOpen(for: from, now: clock.now)
    case .symmetric:
      return port == Self.outerPort(for: from) && mappings.isOpen(for: from, now: clock.now)
    }
  }

  private static func outerPort(for destination: Int) -> UInt16 {
    UInt16(20_000 + destination &* 7_919 % 40_000)
  }
}
