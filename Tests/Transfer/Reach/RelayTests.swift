import Cryptography
import Testing
import Transfer
import Wire

/// A relay, those who are registered there and those who ask for them.
@Suite final class RelayTests {
  private let asker = RelayTests.party(1, "5.1.1.1:1")
  private let guest = RelayTests.party(2, "6.1.1.1:1")
  private var desk: RelayDesk

  init() {
    desk = RelayTests.desk()
  }

  private static func party(_ number: UInt64, _ address: String) -> RelayDesk.Party {
    let known = Address(address) ?? Address(ip: .v4(0x0505_0505), port: 1)
    return RelayDesk.Party(
      key: PublicKey(Bytes32(words: (number, number, number, number))), address: known)
  }

  private static func desk(_ change: (inout RelayDesk.Settings) -> Void = { _ in }) -> RelayDesk {
    var settings = RelayDesk.Settings()
    settings.isEnabled = true
    change(&settings)
    return RelayDesk(settings: settings, now: .zero)
  }

  private func at(_ seconds: Int64) -> Instant { .zero + .seconds(seconds) }

  /// Registers the guest and opens slot 7 between the two.
  private func open(at now: Instant = .zero) {
    _ = desk.receive(.register(token: 1), from: guest, fresh: 0, now: now)
    _ = desk.receive(.ask(token: 9, peer: guest.key), from: asker, fresh: 7, now: now)
    _ = desk.receive(.take(slot: 7), from: guest, fresh: 0, now: now)
  }

  @Test func aWayIsOfferedTakenAndGranted() {
    let kept = desk.receive(.register(token: 1), from: guest, fresh: 0, now: .zero)
    #expect(kept.map(\.message) == [.registered(token: 1)])
    let asked = desk.receive(.ask(token: 9, peer: guest.key), from: asker, fresh: 7, now: .zero)
    #expect(asked.map(\.message) == [.offer(slot: 7, peer: asker.key, at: asker.address)])
    #expect(asked.map(\.party) == [guest])
    #expect(desk.pass(7, count: 100, from: asker.address, now: .zero) == .drop)
    let taken = desk.receive(.take(slot: 7), from: guest, fresh: 0, now: .zero)
    #expect(taken.map(\.message) == [.grant(token: 9, slot: 7, at: guest.address)])
    #expect(taken.map(\.party) == [asker])
    #expect(desk.pass(7, count: 100, from: asker.address, now: .zero) == .pass(to: guest.address))
    #expect(desk.pass(7, count: 100, from: guest.address, now: .zero) == .pass(to: asker.address))
    #expect(desk.passedBytes == 200)
  }

  @Test func whoIsNoEndPassesNothing() {
    open()
    let stranger = Self.party(3, "7.1.1.1:1")
    #expect(desk.pass(7, count: 100, from: stranger.address, now: .zero) == .drop)
    #expect(desk.pass(8, count: 100, from: asker.address, now: .zero) == .drop)
    #expect(desk.receive(.close(slot: 7, .done), from: stranger, fresh: 0, now: .zero).isEmpty)
    #expect(desk.slotCount == 1)
    // Nor may anybody but the guest take an offer.
    desk = Self.desk()
    _ = desk.receive(.register(token: 1), from: guest, fresh: 0, now: .zero)
    _ = desk.receive(.ask(token: 9, peer: guest.key), from: asker, fresh: 7, now: .zero)
    let taken = desk.receive(.take(slot: 7), from: stranger, fresh: 0, now: .zero)
    #expect(taken.map(\.message) == [.close(slot: 7, .done)])
  }

  @Test func aRepeatedAskRepeatsTheOfferOrTheGrant() {
    _ = desk.receive(.register(token: 1), from: guest, fresh: 0, now: .zero)
    _ = desk.receive(.ask(token: 9, peer: guest.key), from: asker, fresh: 7, now: .zero)
    let again = desk.receive(.ask(token: 9, peer: guest.key), from: asker, fresh: 8, now: .zero)
    #expect(again.map(\.message) == [.offer(slot: 7, peer: asker.key, at: asker.address)])
    _ = desk.receive(.take(slot: 7), from: guest, fresh: 0, now: .zero)
    let third = desk.receive(.ask(token: 10, peer: guest.key), from: asker, fresh: 8, now: .zero)
    #expect(third.map(\.message) == [.grant(token: 10, slot: 7, at: guest.address)])
    #expect(desk.slotCount == 1)
  }

  @Test func whoMovedGetsANewSlot() {
    open()
    let moved = RelayDesk.Party(key: asker.key, address: Self.party(1, "8.1.1.1:1").address)
    let sent = desk.receive(.ask(token: 11, peer: guest.key), from: moved, fresh: 8, now: .zero)
    #expect(sent.map(\.message) == [.offer(slot: 8, peer: asker.key, at: moved.address)])
    #expect(desk.pass(7, count: 1, from: guest.address, now: .zero) == .drop)
  }

  @Test func eachRefusalSaysWhy() {
    func ask(_ token: UInt64 = 9, fresh: UInt64 = 7, now: Instant = .zero) -> [RelayMessage] {
      desk.receive(.ask(token: token, peer: guest.key), from: asker, fresh: fresh, now: now)
        .map(\.message)
    }
    #expect(ask() == [.refuse(token: 9, .unknownPeer)])
    _ = desk.receive(.register(token: 1), from: guest, fresh: 0, now: .zero)
    #expect(ask(now: at(101)) == [.refuse(token: 9, .unknownPeer)])
    _ = ask()
    let unwilling = desk.receive(.refuse(token: 7, .unwilling), from: guest, fresh: 0, now: .zero)
    #expect(unwilling.map(\.message) == [.refuse(token: 9, .unwilling)])
    desk = Self.desk { $0.isEnabled = false }
    #expect(ask() == [.refuse(token: 9, .notRelaying)])
    let register = desk.receive(.register(token: 1), from: guest, fresh: 0, now: .zero)
    #expect(register.map(\.message) == [.refuse(token: 1, .notRelaying)])
    desk = Self.desk { $0.slots = 0 }
    _ = desk.receive(.register(token: 1), from: guest, fresh: 0, now: .zero)
    #expect(ask() == [.refuse(token: 9, .busy)])
    desk = Self.desk { $0.quota = 0 }
    _ = desk.receive(.register(token: 1), from: guest, fresh: 0, now: .zero)
    #expect(ask() == [.refuse(token: 9, .overQuota)])
  }

  @Test func aUsedUpQuotaEndsTheWayAndTellsBoth() {
    desk = Self.desk { $0.quotaPerNode = 1_000 }
    open()
    #expect(desk.pass(7, count: 900, from: asker.address, now: .zero) == .pass(to: guest.address))
    let end = desk.pass(7, count: 200, from: asker.address, now: .zero)
    guard case .end(let sent) = end else {
      Issue.record("\(end)")
      return
    }
    #expect(sent.map(\.party) == [asker, guest])
    #expect(sent.allSatisfy { $0.message == .close(slot: 7, .overQuota) })
    #expect(desk.slotCount == 0 && desk.refusedByQuota == 1)
  }

  @Test func theHoursQuotaComesBack() {
    var quota = HourlyQuota(limit: 3_600, now: .zero)
    #expect(quota.take(3_600, now: .zero) == true)
    #expect(quota.take(1, now: .zero) == false)
    #expect(quota.take(10, now: at(10)) == true)
    #expect(quota.take(1, now: at(10)) == false)
    #expect(quota.remaining(now: at(10_000)) == 3_600)
    #expect(quota.take(-1, now: at(10_000)) == false)
  }

  @Test func quotasOfNodesAreBounded() {
    var quotas = NodeQuotas(limit: 100, capacity: 10)
    var admitted = 0
    for number in 0..<100 {
      let key = Self.party(UInt64(number + 1), "5.1.1.1:1").key
      if quotas.take(50, of: key, now: .zero) { admitted += 1 }
    }
    #expect(admitted == 10 && quotas.count == 10)
    // Half of it comes back in half an hour: those need not be remembered any more.
    let late = Self.party(1_000, "5.1.1.1:1").key
    #expect(quotas.take(50, of: late, now: at(1_801)) == true)
    #expect(quotas.count == 1)
  }

  @Test func slotsAndGuestsAreBounded() {
    for number in 0..<1_000 {
      let party = Self.party(UInt64(number + 10), "9.\(number / 200).\(number % 200).1:1")
      _ = desk.receive(.register(token: 1), from: party, fresh: 0, now: .zero)
    }
    #expect(desk.guestCount == 256)
    desk = Self.desk()
    for number in 0..<100 {
      let party = Self.party(UInt64(number + 10), "9.1.1.1:\(number + 1)")
      _ = desk.receive(.register(token: 1), from: party, fresh: 0, now: .zero)
    }
    #expect(desk.guestCount == 16)
    // One that asks for everybody gets eight ways, and no more than sixteen answers at once.
    desk = Self.desk()
    for number in 0..<100 {
      let party = Self.party(UInt64(number + 10), "9.1.\(number).1:1")
      _ = desk.receive(.register(token: 1), from: party, fresh: 0, now: .zero)
      _ = desk.receive(
        .ask(token: 1, peer: party.key), from: asker, fresh: UInt64(number), now: .zero)
    }
    #expect(desk.slotCount == 8)
  }

  @Test func waysThatNobodyUsesEnd() {
    open()
    let other = Self.party(3, "7.1.1.1:1")
    _ = desk.receive(.register(token: 1), from: guest, fresh: 0, now: at(61))
    _ = desk.receive(.ask(token: 2, peer: guest.key), from: other, fresh: 8, now: at(61))
    #expect(desk.slotCount == 1)
    #expect(desk.pass(7, count: 1, from: asker.address, now: at(61)) == .drop)
  }

  @Test(arguments: 0..<200 as Range<UInt64>)
  func nothingSaidMakesItGrow(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    var desk = Self.desk {
      $0.slots = 6
      $0.guests = 5
      $0.quota = 20_000
      $0.quotaPerNode = 5_000
    }
    var passed = 0
    for second in 0..<400 {
      let now = at(Int64(second))
      let number = UInt64.random(in: 0..<12, using: &random)
      let party = Self.party(
        number + 1, "5.1.\(number).1:\(UInt16.random(in: 1...2, using: &random))")
      let peer = Self.party(UInt64.random(in: 1...12, using: &random), "5.1.1.1:1").key
      let slot = UInt64.random(in: 0..<20, using: &random)
      switch Int.random(in: 0..<6, using: &random) {
      case 0: _ = desk.receive(.register(token: 1), from: party, fresh: slot, now: now)
      case 1, 2:
        _ = desk.receive(.ask(token: 1, peer: peer), from: party, fresh: slot, now: now)
      case 3: _ = desk.receive(.take(slot: slot), from: party, fresh: slot, now: now)
      case 4: _ = desk.receive(.close(slot: slot, .done), from: party, fresh: slot, now: now)
      default:
        if case .pass = desk.pass(slot, count: 1_000, from: party.address, now: now) {
          passed += 1_000
        }
      }
      #expect(desk.slotCount <= 6 && desk.guestCount <= 5)
    }
    #expect(UInt64(passed) == desk.passedBytes && passed <= 20_000 + 20_000 * 400 / 3_600)
  }
}
