import CoreMetrics
import Cryptography
import DHT
import Metrics
import NIOCore
import Wire

/// Datagrams in and out: opened, decoded and stepped; encoded, sealed and sent.
extension DHTService {
  /// Takes datagrams in for as long as they come.
  func receive(from inbound: NIOAsyncChannelInboundStream<Envelope>) async throws {
    for try await envelope in inbound { receive(envelope) }
  }

  private func receive(_ envelope: Envelope) {
    tally.received += 1
    metrics.received.increment()
    guard let address = Address(envelope.remoteAddress), address.port != 0 else { return }
    let packet = Array(envelope.data.readableBytesView)
    let opened: DatagramSessions.Opened
    do {
      opened = try sessions.open(packet, from: address, now: now)
    } catch {
      return refuse(error)
    }
    guard !takeOpening(opened, from: address), address.detour == nil else { return }
    guard let decoded = try? DHTCodec.decode(opened.message) else {
      tally.refused += 1
      return metrics.malformed.increment()
    }
    let message = decoded.message
    let contact = Contact(key: opened.sender, address: address)
    if let cookie = decoded.cookie, !message.isRequest {
      sessions.keep(cookie, from: contact.key, at: address, now: now)
    }
    let length = opened.isProven ? DatagramBox.capacity : opened.message.count
    let sender = Origin(
      contact: contact, isProven: opened.isProven, replyBudget: length - Self.cookieSize)
    act(step(receiving: message, from: sender), replyLimit: length)
    showMetricsIfOld()
  }

  private func refuse(_ refusal: DatagramSessions.Refusal) {
    switch refusal {
    case .malformed:
      tally.refused += 1
      metrics.malformed.increment()
    case .forged:
      tally.refused += 1
      metrics.forged.increment()
    case .overBudget:
      tally.strangersDropped += 1
      metrics.overBudget.increment()
    }
  }

  /// Does what a step wants done; a reply longer than `replyLimit` is not sent.
  func act(_ actions: [Action], replyLimit: Int = DatagramBox.capacity) {
    for action in actions {
      switch action {
      case .send(let message, let contact): send(message, to: contact, replyLimit: replyLimit)
      case .finished(let id, let outcome):
        guard let waiter = waiters.removeValue(forKey: id) else { continue }
        waiter.yield(outcome)
        waiter.finish()
      case .kept(let record): keptStatements?.yield(record)
      }
    }
    if machine.nextDeadline < sleepsUntil { wake?.yield() }
    if let farewell, machine.hasLeft { farewell.yield() }
  }

  private func send(_ message: Message, to contact: Contact, replyLimit: Int) {
    let plain: [UInt8]
    if message.isRequest {
      let hasCookie = sessions.hasCookie(for: contact.key, at: contact.address, now: now)
      plain = DHTCodec.encode(
        message, length: hasCookie ? 0 : MessageSize.paddedLength(message.body))
    } else {
      let cookie = sessions.cookie(for: contact.key, at: contact.address, now: now)
      plain = DHTCodec.encode(message, cookie: cookie)
      guard plain.count <= replyLimit else { return metrics.unsent.increment() }
    }
    sendSealed(plain, to: contact.key, at: contact.address)
  }

  /// Seals a message for a node and sends it.
  func sendSealed(_ plain: [UInt8], to key: PublicKey, at destination: Address) {
    if destination.detour != nil {
      guard let packet = sessions.seal(plain, to: key, at: destination) else { return }
      return streams?.send(packet, by: destination) ?? ()
    }
    guard let channel = channel?.channel,
      let address = destination.socketAddress(onIPv6: isIPv6), channel.isWritable,
      let packet = sessions.seal(plain, to: key, at: destination)
    else { return metrics.unsent.increment() }
    tally.sent += 1
    tally.sentBytes += UInt64(packet.count)
    metrics.sent.increment()
    metrics.sentBytes.increment(by: packet.count)
    channel.writeAndFlush(
      Envelope(remoteAddress: address, data: ByteBuffer(bytes: packet)), promise: nil)
  }

  /// Tag, length and value of the cookie in a reply.
  private static let cookieSize = 3 + AddressCookie.length
}
