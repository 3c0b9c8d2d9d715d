import Cryptography
import Transfer
import Wire

/// The messages of relays, and a relay driven by operations.
enum RelayFuzz {
  static let message: FuzzTarget = { bytes in
    guard let message = try? RelayMessage.decode(bytes) else { return }
    precondition((try? RelayMessage.decode(message.encoded)) == message)
    precondition(message.encoded.count <= 61)
  }

  static let desk: FuzzTarget = { bytes in
    var script = Script(bytes)
    var settings = RelayDesk.Settings()
    settings.isEnabled = true
    settings.slots = 4
    settings.guests = 4
    settings.quota = 100_000
    settings.quotaPerNode = 30_000
    var desk = RelayDesk(settings: settings, now: .zero)
    var now = Instant.zero
    while let kind = script.byte() {
      let party = Self.party(script.number())
      switch kind % 6 {
      case 0: _ = desk.receive(.register(token: 1), from: party, fresh: 0, now: now)
      case 1:
        let peer = Self.party(script.number()).key
        let slot = UInt64(script.number() % 8)
        _ = desk.receive(.ask(token: 1, peer: peer), from: party, fresh: slot, now: now)
      case 2:
        let slot = UInt64(script.number() % 8)
        _ = desk.receive(.take(slot: slot), from: party, fresh: 0, now: now)
      case 3:
        let slot = UInt64(script.number() % 8)
        _ = desk.receive(.close(slot: slot, .done), from: party, fresh: 0, now: now)
      case 4:
        let slot = UInt64(script.number() % 8)
        let count = Int(script.number()) * 16
        _ = desk.pass(slot, count: count, from: party.address, now: now)
      default: now = now + .seconds(Int64(script.number()))
      }
      precondition(desk.slotCount <= 4 && desk.guestCount <= 4)
      let earned = UInt64(100_000 * (now - .zero).inSeconds / 3_600)
      precondition(desk.passedBytes <= 100_000 + earned + 1)
    }
  }

  private static func party(_ byte: UInt8) -> RelayDesk.Party {
    let number = byte % 8
    let key = PublicKey(Bytes32(words: (UInt64(number), 0, 0, 1)))
    return RelayDesk.Party(
      key: key, address: Address(ip: .v4(0x0501_0100 + UInt32(number)), port: 7_782))
  }
}
