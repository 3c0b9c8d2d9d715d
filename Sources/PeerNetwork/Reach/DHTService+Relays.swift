import Cryptography
public import DHT
import Logging
import Transfer
import Wire

/// A way that this node asks relays for.
struct RelayCall: Sendable {
  var caller: RelayCaller
  let answer: AsyncStream<RelayCaller.Outcome>.Continuation
}

/// A way that a relay offers to this node.
struct RelayOffer: Sendable {
  let relay: RelayDesk.Party
  let slot: UInt64
  /// Where the relay sees who asked for it.
  let peer: Address
}

/// Relays: registering there, being offered ways, and asking for some.
extension DHTService {
  /// Ways that may be asked for at once.
  private static let relayCallLimit = 32

  /// The relays at which this node is registered, because others don't reach it.
  public var relays: [Contact] {
    places.kept(now: now).map { Contact(key: $0.key, address: $0.address) }
  }

  /// Takes in a relay's message, or one for this node as a relay.
  func take(_ message: RelayMessage, _ opened: DatagramSessions.Opened, from address: Address) {
    switch message {
    case .probe, .knock: return takeProbe(message, from: opened.sender, at: address)
    case .register, .registered, .ask, .offer, .take, .grant, .refuse, .close: break
    }
    guard let streams, address.detour == nil else { return }
    let party = RelayDesk.Party(key: opened.sender, address: address)
    switch message {
    case .register(let token), .ask(let token, _):
      guard opened.isProven else {
        let cookie = sessions.cookie(for: party.key, at: address, now: now)
        let answer = StreamOpening.retry(opener: token, cookie: cookie)
        return sendSealed(answer.encoded, to: party.key, at: address)
      }
      streams.serve(message, from: party)
    case .take: streams.serve(message, from: party)
    case .registered:
      if places.receive(message, from: party, now: now) { placesChanged() }
    case .grant(let token, _, _): answer(token, message, from: party)
    case .refuse(let token, _):
      if relayCalls[token] != nil {
        answer(token, message, from: party)
      } else if places.receive(message, from: party, now: now) {
        placesChanged()
      } else {
        streams.serve(message, from: party)
      }
    case .offer(let slot, _, let peer):
      guard places.admits(party, now: now) else { return }
      offers.yield(RelayOffer(relay: party, slot: slot, peer: peer))
    case .close(let slot, _):
      streams.endDetour(by: party, slot: slot)
      streams.serve(message, from: party)
    case .probe, .knock: break
    }
  }

  /// A cookie came: what had to show it is sent again.
  func showCookie(_ token: UInt64, to party: RelayDesk.Party) {
    if let sending = relayCalls[token]?.caller.again(to: party) {
      send(sending)
    } else if relayCalls[token] == nil, let sending = places.again(to: party, token: token) {
      send(sending)
    }
  }

  /// Asks relays for a way to a node; the address of the way, or nil. Cancellation leaves nothing
  /// behind.
  func relay(to key: PublicKey, through relays: [RelayDesk.Party]) async -> Address? {
    guard let streams, relayCalls.count < Self.relayCallLimit else { return nil }
    let token = random.next()
    let (answers, answer) = AsyncStream.makeStream(
      of: RelayCaller.Outcome.self, bufferingPolicy: .bufferingNewest(1))
    let others = relays.filter {
      $0.key != self.key && streams.settings.isRelayable($0.address.ip)
    }
    relayCalls[token] = RelayCall(
      caller: RelayCaller(token: token, peer: key, relays: others), answer: answer)
    defer { relayCalls[token] = nil }
    let outcome = await withTaskGroup(of: RelayCaller.Outcome?.self) { group in
      group.addTask { await self.keepAsking(token) }
      group.addTask {
        for await outcome in answers { return outcome }
        return nil
      }
      let first = await group.next() ?? nil
      group.cancelAll()
      return first
    }
    guard case .granted(let relay, let slot, let peer) = outcome else {
      let reason = outcome.map { "\($0)" } ?? "not waited for"
      log.debug("no relay", metadata: ["peer": "\(key)", "outcome": "\(reason)"])
      return nil
    }
    return await streams.addDetour(by: relay, slot: slot, to: peer)
  }

  private func keepAsking(_ token: UInt64) async -> RelayCaller.Outcome? {
    while !Task.isCancelled, var call = relayCalls[token] {
      let (sendings, outcome) = call.caller.tick(now: now)
      relayCalls[token] = call
      for sending in sendings { send(sending) }
      if let outcome { return outcome }
      try? await Task.sleep(for: max(.milliseconds(1), call.caller.nextDeadline - now))
    }
    return nil
  }

  private func answer(_ token: UInt64, _ message: RelayMessage, from party: RelayDesk.Party) {
    guard var call = relayCalls[token] else { return }
    let outcome = call.caller.receive(message, from: party)
    relayCalls[token] = call
    if let outcome { call.answer.yield(outcome) }
  }

  /// Stays registered at relays for as long as others don't reach this node, until cancelled.
  func keepPlaces() async {
    let longest = min(.seconds(10), (streams?.settings.relayRenewal ?? .seconds(30)) / 3)
    while !Task.isCancelled {
      let candidates = machine.status.isServer ? [] : relayCandidates
      for sending in places.step(candidates, fresh: random.next(), now: now) { send(sending) }
      let (stream, continuation) = AsyncStream<Void>.makeStream(
        bufferingPolicy: .bufferingNewest(1))
      relayWake = continuation
      await Self.pause(places.isAsking ? .seconds(1) : longest, or: stream, continuation)
      relayWake = nil
    }
  }

  /// Agrees to the ways that relays offer, until cancelled.
  func takeOffers() async {
    guard let streams else { return }
    for await offer in offered {
      let way = await streams.addDetour(by: offer.relay, slot: offer.slot, to: offer.peer)
      let answer =
        way != nil
        ? RelayMessage.take(slot: offer.slot) : .refuse(token: offer.slot, .unwilling)
      send(RelayDesk.Sending(message: answer, party: offer.relay))
    }
  }

  /// Those who may relay: the bootstrap peers, whom the owner named. A relay says where others are, so
  /// a stranger's word would have us write to whomever it likes.
  private var relayCandidates: [RelayDesk.Party] {
    var parties: [RelayDesk.Party] = []
    for contact in seeders where contact.key != key && isRelayable(contact.address.ip) {
      let party = RelayDesk.Party(key: contact.key, address: contact.address)
      if !parties.contains(party) { parties.append(party) }
    }
    return parties
  }

  private func isRelayable(_ ip: IPAddress) -> Bool {
    streams?.settings.isRelayable(ip) ?? false
  }

  private func placesChanged() {
    log.info("relays", metadata: ["at": "\(relays)"])
    relayWake?.yield()
    renewAnnouncementsIfMoved()
  }

  private func send(_ sending: RelayDesk.Sending) {
    sendSealed(sending.message.encoded, to: sending.party.key, at: sending.party.address)
  }
}
