import Cryptography
import Logging
import NIOCore
import Synchronization
import Transfer
import Wire

/// Reaching providers, by whatever way leads to them.
extension TransferService {
  /// What happens while a provider is approached.
  private enum ApproachEvent: Sendable {
    case due
    case ended(Approach.Way, carried: Bool)
  }

  /// Opens the connections that fetches ask for.
  nonisolated func openConnections() async {
    await withDiscardingTaskGroup { group in
      for await provider in pool.jobs {
        group.addTask { await self.open(provider) }
      }
    }
  }

  /// Approaches a provider; returns when no way is tried any more and no conversation is left.
  private nonisolated func open(_ provider: Provider) async {
    let clock = context.clock
    let began = clock.now
    // Few ways, each of which ends once, and a deadline or two for each.
    let (events, event) = AsyncStream.makeStream(
      of: ApproachEvent.self, bufferingPolicy: .bufferingOldest(32))
    await withTaskGroup(of: Void.self) { group in
      var approach = Approach(by: ways(to: provider), now: began)
      var actions = approach.step(now: began, isReached: false)
      var planned: Instant?
      var inputs = events.makeAsyncIterator()
      while true {
        for action in actions {
          switch action {
          case .begin(let way):
            group.addTask {
              let carried = await self.go(way, to: provider, since: began)
              event.yield(.ended(way, carried: carried))
            }
          case .fail:
            for driver in pool.failed(provider.key) { await driver.unreachable(provider.key) }
          }
        }
        guard !approach.isOver else { break }
        if let due = approach.nextDeadline, due != planned {
          planned = due
          group.addTask {
            try? await Task.sleep(for: max(.zero, due - clock.now))
            event.yield(.due)
          }
        }
        guard let input = await inputs.next() else { break }
        let isReached = pool.isConnected(to: provider.key)
        switch input {
        case .due: actions = approach.step(now: clock.now, isReached: isReached)
        case .ended(let way, let carried):
          actions = approach.ended(way, carried: carried, now: clock.now, isReached: isReached)
        }
      }
    }
  }

  /// The ways that may lead to a provider.
  private nonisolated func ways(to provider: Provider) -> Set<Approach.Way> {
    guard let streams else { return [.tcp] }
    // Within one site nothing stands between, and who is in the middle would not pass it on.
    guard streams.canPunch,
      provider.addresses.contains(where: { streams.settings.isRelayable($0.ip) })
    else {
      return [.tcp, .datagrams]
    }
    return provider.relays.isEmpty ? [.tcp, .datagrams, .punch] : Set(Approach.Way.allCases)
  }

  /// Tries one way to its end, with the conversation that it carries; whether there was one.
  private nonisolated func go(
    _ way: Approach.Way, to provider: Provider, since began: Instant
  ) async -> Bool {
    switch way {
    case .tcp: return await openTLS(to: provider, since: began)
    case .datagrams:
      for address in provider.addresses.prefix(Limits.addressesPerProvider) {
        guard !Task.isCancelled else { break }
        if await openStream(to: provider.key, at: address, by: .udp, since: began) { return true }
      }
      return false
    case .punch:
      guard let address = await streams?.punch(provider.key) else { return false }
      return await openStream(to: provider.key, at: address, by: .punched, since: began)
    case .relay:
      guard let streams, !pool.isConnected(to: provider.key),
        let address = await streams.relay(to: provider.key, through: provider.relays)
      else { return false }
      return await openStream(to: provider.key, at: address, by: .relayed, since: began) {
        await self.seekDirectWay(to: provider, instead: $0, over: address)
      }
    }
  }

  /// Tries a provider's addresses in order until one carries a conversation.
  private nonisolated func openTLS(to provider: Provider, since began: Instant) async -> Bool {
    for address in provider.addresses.prefix(Limits.addressesPerProvider) {
      guard !Task.isCancelled, !pool.isConnected(to: provider.key) else { break }
      do {
        let stream = try await sockets.connect(to: address, key: provider.key)
        if await converse(over: stream, since: began) { return true }
      } catch {
        log.debug(
          "peer not reached",
          metadata: ["peer": "\(provider.key)", "address": "\(address)", "error": "\(error)"])
      }
    }
    return false
  }

  /// Looks again and again whether a node that a relay leads to can be reached without one, and moves
  /// the stream there.
  private nonisolated func seekDirectWay(
    to provider: Provider, instead channel: DatagramStreamChannel, over way: Address
  ) async {
    while channel.mark.way == .relayed {
      await streams?.probe(provider.key, over: way)
      let retry = context.clock.now + Self.directRetry
      while channel.mark.way == .relayed, context.clock.now < retry, !Task.isCancelled {
        try? await Task.sleep(for: .milliseconds(500))
      }
      guard !Task.isCancelled else { return }
      guard channel.mark.way == .relayed else { break }
      for address in provider.addresses.prefix(Limits.addressesPerProvider) {
        channel.look(at: address)
        // One way is looked at at a time.
        try? await Task.sleep(for: .seconds(1))
      }
      guard channel.mark.way == .relayed, let address = await streams?.punch(provider.key) else {
        continue
      }
      channel.look(at: address)
      try? await Task.sleep(for: .seconds(2))
    }
    guard !Task.isCancelled else { return }
    log.info(
      "peer reached",
      metadata: [
        "peer": "\(provider.key)", "way": "\(channel.mark.way.name)", "instead": "relayed",
      ])
    context.metrics.reached(by: channel.mark.way)
  }

  /// How often a way without the relay is looked for.
  private static let directRetry = Duration.seconds(60)

  /// Opens a UDP stream to an address and talks over it, with `beside` running; whether there was a
  /// conversation.
  private nonisolated func openStream(
    to key: PublicKey, at address: Address, by way: PeerWay, since began: Instant,
    beside: (@Sendable (DatagramStreamChannel) async -> Void)? = nil
  ) async -> Bool {
    guard let streams, !pool.isConnected(to: key) else { return false }
    do {
      let asked = context.clock.now
      let channel = try await streams.connect(to: key, at: address)
      // What is answered only when asked again was let in because of the punch beside it.
      let isLate = context.clock.now - asked >= StreamOpener.firstWait
      channel.mark.way = way == .udp && isLate && address.ip.isGlobal ? .punched : way
      // Another way may have been faster by a little.
      guard !pool.isConnected(to: key) else {
        try await channel.close()
        return false
      }
      let stream = try await framed(channel)
      return await withTaskGroup(of: Void.self) { group in
        if let beside { group.addTask { await beside(channel) } }
        let carried = await converse(over: stream, since: began)
        group.cancelAll()
        return carried
      }
    } catch {
      log.debug(
        "peer not reached by udp",
        metadata: [
          "peer": "\(key)", "address": "\(address)", "way": "\(way.name)", "error": "\(error)",
        ])
      return false
    }
  }
}
