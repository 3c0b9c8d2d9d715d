import Cryptography
import Wire

/// Requests to others: sending, timeouts, and where a reply belongs.
extension Kademlia {
  /// Sends a request and waits for its reply; false if too many are outstanding.
  @discardableResult
  mutating func call(
    _ contact: Contact, _ body: Message.Body, _ purpose: Call.Purpose,
    hasRetriedCookie: Bool = false, round: UInt8 = 1, _ step: inout Step
  ) -> Bool {
    guard calls.count < settings.callLimit else { return false }
    var transaction = step.random.next()
    while calls[transaction] != nil { transaction = step.random.next() }
    calls[transaction] = Call(
      contact: contact, body: body, purpose: purpose, sentAt: step.now, round: round,
      hasRetriedCookie: hasRetriedCookie)
    let known = table.roundTrip(to: contact)
    let expected = known.map { $0.isUnknown ? roundTrip : $0 } ?? roundTrip
    schedule(.soft(transaction), at: step.now + expected.timeout(within: settings.softTimeout))
    schedule(.hard(transaction), at: step.now + settings.hardTimeout)
    send(body, transaction, to: contact, &step)
    return true
  }

  /// Takes a reply in, if it is from the node and address that was asked.
  mutating func take(_ message: Message, from contact: Contact, _ step: inout Step) {
    guard let call = calls[message.transaction], call.contact == contact else {
      counters.repliesIgnored += 1
      return
    }
    calls[message.transaction] = nil
    counters.repliesTaken += 1
    fallen.remove(contact)
    if isCut {
      // The link is back: see soon who else is.
      nextUpkeep = step.now
      checkCredit = 2 * settings.checksPerMinute.upperBound
    }
    silence = 0
    if case .liveness = call.purpose { failureShare -= failureShare / 32 }
    let measured = call.isRepeated ? nil : step.now - call.sentAt
    if let measured { roundTrip.measure(measured) }
    if message.isClient {
      // It answers, but wants to be left out of tables.
      drop(contact, &step)
    } else {
      remember(contact, roundTrip: measured, &step)
    }
    note(message.body, from: contact, &step)
    route(message, of: call, &step)
  }

  mutating func softTimeout(_ transaction: UInt64, _ step: inout Step) {
    guard var call = calls[transaction], !call.isSlow else { return }
    call.isSlow = true
    call.isRepeated = isWorthRepeating(call)
    calls[transaction] = call
    if call.isRepeated { send(call.body, transaction, to: call.contact, &step) }
    if case .search(let id, let searches, _) = call.purpose {
      queries[id]?.mark(searches, call.contact, .slow)
      queries[id]?.outstanding -= 1
      schedule(.lost(transaction), at: step.now + (step.now - call.sentAt) * 2)
      advance(id, &step)
    }
  }

  /// Ends a search's wait for a node that has had three times what it usually needs: a late answer is
  /// still taken, and only the hard timeout speaks against the node.
  mutating func loseHope(_ transaction: UInt64, _ step: inout Step) {
    guard let call = calls[transaction], case .search(let id, let searches, _) = call.purpose
    else { return }
    queries[id]?.mark(searches, call.contact, .failed)
    advance(id, &step)
  }

  mutating func hardTimeout(_ transaction: UInt64, _ step: inout Step) {
    guard let call = calls.removeValue(forKey: transaction) else { return }
    counters.timeouts += 1
    guard !call.purpose.isVenture else { return giveUp(call, &step) }
    silence += 1
    // Who hears nobody has no reason to think ill of one.
    if !isCut {
      if case .liveness = call.purpose { failureShare += (1 - failureShare) / 32 }
      var isGone = table.failed(call.contact, now: step.now)
      // Sent twice and never answered: that is two requests.
      if call.isRepeated { isGone = table.failed(call.contact, now: step.now) || isGone }
      if isGone { departed.add(call.contact) }
      if call.isRepeated { fallen.add(call.contact, now: step.now) }
    }
    giveUp(call, &step)
  }

  /// Adds a contact that has just answered to the table.
  private mutating func remember(
    _ contact: Contact, roundTrip: Duration?, _ step: inout Step
  ) {
    switch table.answered(contact, roundTrip: roundTrip, now: step.now) {
    case .kept, .refused: break
    case .waiting(let doubtful):
      guard let doubtful, let entry = table.entry(of: doubtful),
        step.now - entry.lastReply > settings.refreshInterval, !isBeingAsked(doubtful)
      else { break }
      check(doubtful, &step)
    }
  }

  /// Pings a contact; whether it answered shows in the table.
  mutating func check(
    _ contact: Contact, as purpose: Call.Purpose = .check, _ step: inout Step
  ) {
    guard calls.count < settings.callLimit / 2, budget.admits(contact.address, now: step.now)
    else { return }
    call(contact, .ping, purpose, &step)
  }

  /// Gets to know the sender of a request: only a verified reply opens the table, but who shows our
  /// cookie is there.
  mutating func meet(_ contact: Contact, isProven: Bool, _ step: inout Step) {
    if isProven {
      fallen.remove(contact)
      if table.appeared(contact, now: step.now) { return }
    }
    guard table.wants(contact), !isBeingAsked(contact) else { return }
    check(contact, &step)
  }

  func isBeingAsked(_ contact: Contact) -> Bool {
    for call in calls.values where call.contact == contact { return true }
    return false
  }

  private mutating func note(
    _ body: Message.Body, from contact: Contact, _ step: inout Step
  ) {
    switch body {
    case .pong(let observed), .found(_, let observed):
      guard let observed else { return }
      observations.add(observed, by: contact.address)
      guard provesReach, contact.isGlobal else { return }
      if let own = observations.address { reach.seen(at: own.ip, now: step.now) }
      if !reach.isReached, reach.isEarly() {
        call(contact, .reach(nil, isLater: false), .reach, &step)
      }
    case .got, .stored, .lacking, .reaching, .punching, .refused: break
    case .ping, .find, .get, .store, .have, .reach, .punch: break
    }
  }

  /// Stores, checks and the last steps of a search are sent twice before they count as lost.
  private func isWorthRepeating(_ call: Call) -> Bool {
    switch call.purpose {
    case .store, .repair, .check, .liveness, .farewell: return true
    case .compare, .revival, .fill, .reach, .dial, .rendezvous, .relay, .punch: return false
    case .search(let id, let searches, _):
      guard let query = queries[id] else { return false }
      return searches.contains { query.searches[$0].lookup.isNear(call.contact) }
    }
  }

  private mutating func send(
    _ body: Message.Body, _ transaction: UInt64, to contact: Contact, _ step: inout Step
  ) {
    counters.requestsSent += 1
    if provesReach { reach.wrote(to: contact.address, now: step.now) }
    let message = Message(
      transaction: transaction, isClient: isClient(for: contact), body: body)
    step.actions.append(.send(message, to: contact))
  }
}
