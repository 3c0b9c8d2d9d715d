import Cryptography
import Testing
import Wire

@testable import Transfer

/// A relay, those who are registered there and those who ask for them.
@Suite final class RelayTests {
  let asker = RelayTests.party(1, "5.1.1.1:1")
  let guest = RelayTests.party(2, "6.1.1.1:1")
  var desk: RelayDesk

  init() {
    desk = RelayTests.desk()
  }

  static func party(_ number: UInt64, _ address: String) -> RelayDesk.Party {
    let known = Address(address) ?? Address(ip: .v4(0x0505_0505), port: 1)
    return RelayDesk.Party(
      key: PublicKey(Bytes32(words: (number, number, number, number))), address: known)
  }

  static func desk(_ change: (inout RelayDesk.Settings) -> Void = { _ in }) -> RelayDesk {
    var settings = RelayDesk.Settings()
    settings.isEnabled = true
    change(&settings)
    return RelayDesk(settings: settings, now: .zero)
  }

  func at(_ seconds: Int64) -> Instant { .zero + .seconds(seconds) }

  /// Registers the guest and opens slot 7 between the two.
  func open(at now: Instant = .zero) {
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
    #expect(taken.isEmpty)
    #expect(desk.receive(.take(slot: 8), from: guest, fresh: 0, now: .zero).isEmpty)
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

  @Test func eachRefusalSaysWhy() {
    func ask(_ token: UInt64 = 9, fresh: UInt64 = 7, now: Instant = .zero) -> [RelayMessage] {
      desk.receive(.ask(token: token, peer: guest.key), from: asker, fresh: fresh, now: now)
        .map(\.message)
    }
    #expect(ask() == [.refuse(token: 9, .unknownPeer)])
    _ = desk.receive(.register(token: 1), from: guest, fresh: 0, now: .zero)
    #expect(ask(now: at(101)) == [.refuse(token: 9, .unknownPeer)])
    _ = desk.receive(.register(token: 1), from: guest, fresh: 0, now: .zero)
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
    // The ask counted too.
    desk = Self.desk { $0.quotaPerNode = 1_160 }
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
    // One that asks for everybody gets eight ways.
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
    #expect(desk.pass(7, count: 1, from: asker.address, now: at(61)) == .drop)
    let sent = desk.tick(now: at(61))
    #expect(sent.map(\.party) == [asker, guest])
    #expect(sent.allSatisfy { $0.message == .close(slot: 7, .done) })
    #expect(desk.slotCount == 0 && desk.guestCount == 1)
    #expect(desk.tick(now: at(101)).isEmpty && desk.guestCount == 0)
  }

  @Test func aWayOfWhichOneEndIsSilentEnds() {
    open()
    for second in Int64(1)...59 {
      #expect(desk.pass(7, count: 1, from: asker.address, now: at(second)) != .drop)
    }
    #expect(desk.pass(7, count: 1, from: asker.address, now: at(60)) == .drop)
    #expect(desk.tick(now: at(60)).count == 2)
  }

  @Test func expiredGuestsTakeNobodysPlace() {
    for number in 0..<16 {
      let party = Self.party(UInt64(number + 10), "9.1.1.1:\(number + 1)")
      _ = desk.receive(.register(token: 1), from: party, fresh: 0, now: .zero)
    }
    let late = Self.party(99, "9.1.1.1:99")
    let early = desk.receive(.register(token: 1), from: late, fresh: 0, now: at(99))
    #expect(early.map(\.message) == [.refuse(token: 1, .busy)])
    let sent = desk.receive(.register(token: 1), from: late, fresh: 0, now: at(100))
    #expect(sent.map(\.message) == [.registered(token: 1)])
    #expect(desk.guestCount == 1)
  }

  @Test func anAddressOfIPv6CountsByItsNetwork() {
    for number in 0..<40 {
      let party = Self.party(UInt64(number + 10), "[2a00:1:2:3::\(number + 1)]:1")
      _ = desk.receive(.register(token: 1), from: party, fresh: 0, now: .zero)
    }
    #expect(desk.guestCount == 16)
  }

  @Test func whoMovesIsCountedWhereItIsNow() {
    for number in 0..<16 {
      let party = Self.party(UInt64(number + 10), "9.1.1.1:\(number + 1)")
      _ = desk.receive(.register(token: 1), from: party, fresh: 0, now: .zero)
    }
    _ = desk.receive(.register(token: 1), from: guest, fresh: 0, now: .zero)
    let moved = RelayDesk.Party(key: guest.key, address: Self.party(1, "9.1.1.1:77").address)
    let sent = desk.receive(.register(token: 1), from: moved, fresh: 0, now: .zero)
    #expect(sent.map(\.message) == [.refuse(token: 1, .busy)])
  }

  /// Registers a node of an address of its own and has it asked for; what the relay says.
  private func ask(for number: Int, from party: RelayDesk.Party, now: Instant) -> [RelayMessage] {
    let peer = Self.party(UInt64(number + 1_000), "9.2.\(number).1:1")
    _ = desk.receive(.register(token: 1), from: peer, fresh: 0, now: now)
    let fresh = UInt64(number + 1)
    let sent = desk.receive(.ask(token: 1, peer: peer.key), from: party, fresh: fresh, now: now)
    if case .offer? = sent.last?.message {
      _ = desk.receive(.take(slot: fresh), from: peer, fresh: 0, now: now)
    }
    return sent.map(\.message)
  }

  @Test func oneAddressClosesTheRelayForNobodyElse() {
    // A hundred keys of one address ask as often as they like, for a minute.
    for second in 0..<50 {
      for turn in 0..<4 {
        let number = second * 4 + turn
        let hostile = Self.party(UInt64(number % 100 + 10), "5.5.5.5:\(number + 1)")
        _ = ask(for: number, from: hostile, now: at(Int64(second)))
      }
    }
    #expect(desk.slotCount == 16)
    guard case .offer? = ask(for: 250, from: asker, now: at(50)).last else {
      Issue.record("starved")
      return
    }
  }

  @Test func askingInVainTakesNothingFromOthers() {
    let nobody = Self.party(77, "1.1.1.1:1").key
    for number in 0..<1_000 {
      let hostile = Self.party(UInt64(number + 10), "5.5.5.5:1")
      _ = desk.receive(.ask(token: 1, peer: nobody), from: hostile, fresh: 1, now: .zero)
    }
    guard case .offer? = ask(for: 1, from: asker, now: .zero).last else {
      Issue.record("starved")
      return
    }
  }

  @Test func oneAddressTakesNotAllWaysOfANode() {
    _ = desk.receive(.register(token: 1), from: guest, fresh: 0, now: .zero)
    for number in 0..<8 {
      let hostile = Self.party(UInt64(number + 10), "5.5.5.5:\(number + 1)")
      _ = desk.receive(
        .ask(token: 1, peer: guest.key), from: hostile, fresh: UInt64(number), now: .zero)
    }
    #expect(desk.slotCount == 2)
  }

  @Test func whoAsksFromElsewhereKeepsTheOldWayUntilItHasANewOne() {
    desk = Self.desk { $0.slotsPerNode = 1 }
    open()
    let moved = RelayDesk.Party(key: asker.key, address: Address(ip: .v4(0x0505_0505), port: 9))
    var sent = desk.receive(.ask(token: 3, peer: guest.key), from: moved, fresh: 7, now: .zero)
    // No number is free: refused, and the old way stands.
    #expect(sent == [RelayDesk.Sending(message: .refuse(token: 3, .busy), party: moved)])
    #expect(desk.slotCount == 1)
    #expect(desk.pass(7, count: 10, from: asker.address, now: .zero) == .pass(to: guest.address))
    sent = desk.receive(.ask(token: 3, peer: guest.key), from: moved, fresh: 8, now: .zero)
    let end = RelayMessage.close(slot: 7, .done)
    #expect(sent.prefix(2).map(\.message) == [end, end])
    #expect(sent.prefix(2).map(\.party) == [asker, guest])
    #expect(sent.last?.party == guest && sent.count == 3)
    #expect(desk.slotCount == 1)
  }

  @Test func whoPausesEndsItsWaysAndRelaysNothing() {
    open()
    let sent = desk.pause(true)
    #expect(sent.map(\.party) == [asker, guest])
    #expect(sent.allSatisfy { $0.message == .close(slot: 7, .notRelaying) })
    #expect(!desk.isRelaying && desk.slotCount == 0 && desk.guestCount == 0)
    let register = desk.receive(.register(token: 1), from: guest, fresh: 0, now: .zero)
    #expect(register.map(\.message) == [.refuse(token: 1, .notRelaying)])
    #expect(desk.pause(false).isEmpty && desk.isRelaying)
    let again = desk.receive(.register(token: 1), from: guest, fresh: 0, now: .zero)
    #expect(again.map(\.message) == [.registered(token: 1)])
  }

  @Test(arguments: 0..<200 as Range<UInt64>)
  func nothingSaidMakesItGrow(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    var desk = Self.desk {
      $0.slots = 6
      $0.guests = 5
      $0.guestsPerAddress = 2
      $0.slotsPerAddress = 3
      $0.quota = 20_000
      $0.quotaPerNode = 5_000
    }
    var passed = 0
    for second in 0..<400 {
      let now = at(Int64(second))
      let number = UInt64.random(in: 0..<12, using: &random)
      // Three addresses for twelve keys.
      let party = Self.party(
        number + 1, "5.1.\(number % 3).1:\(UInt16.random(in: 1...2, using: &random))")
      let peer = Self.party(UInt64.random(in: 1...12, using: &random), "5.1.1.1:1").key
      let slot = UInt64.random(in: 0..<20, using: &random)
      switch Int.random(in: 0..<7, using: &random) {
      case 6: _ = desk.tick(now: now)
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
      let places = Dictionary(grouping: desk.guests.values) { $0.party.place }
      #expect(places.values.allSatisfy { $0.count <= 2 })
      let askers = Dictionary(grouping: desk.slots.values) { $0.asker.place }
      #expect(askers.values.allSatisfy { $0.count <= 3 })
    }
    #expect(UInt64(passed) == desk.passedBytes && passed <= 20_000 + 20_000 * 400 / 3_600)
  }
}
