import Cryptography
import Testing
import Wire

@testable import Transfer

/// What relaying may cost, and for whom it is counted.
extension RelayTests {
  @Test func repeatedAsksAreFewAndCount() {
    desk = Self.desk { $0.quotaPerNode = 10_000 }
    _ = desk.receive(.register(token: 1), from: guest, fresh: 0, now: .zero)
    var answers = 0
    for _ in 0..<100 {
      let sent = desk.receive(.ask(token: 9, peer: guest.key), from: asker, fresh: 7, now: .zero)
      answers += sent.count
    }
    #expect(answers == 5)
    _ = desk.receive(.take(slot: 7), from: guest, fresh: 0, now: .zero)
    // In the quota there is no room for more than sixty in a minute.
    var refused = false
    for second in 1...60 {
      for _ in 0..<4 {
        let sent = desk.receive(
          .ask(token: 9, peer: guest.key), from: asker, fresh: 7, now: at(Int64(second)))
        refused = refused || sent.map(\.message) == [.refuse(token: 9, .overQuota)]
      }
      _ = desk.pass(7, count: 1, from: guest.address, now: at(Int64(second)))
      _ = desk.pass(7, count: 1, from: asker.address, now: at(Int64(second)))
    }
    #expect(refused)
  }

  @Test func repeatedTakesAreFew() {
    open()
    var answers = 0
    for _ in 0..<100 {
      answers += desk.receive(.take(slot: 7), from: guest, fresh: 0, now: .zero).count
    }
    #expect(answers == 4)
  }

  @Test func whoHasNextToNothingLeftGetsNoNewWay() {
    desk = Self.desk { $0.quotaPerNode = 64_000 }
    open()
    #expect(desk.pass(7, count: 63_000, from: guest.address, now: .zero) != .drop)
    _ = desk.receive(.close(slot: 7, .done), from: guest, fresh: 0, now: .zero)
    func ask(_ now: Instant) -> [RelayMessage] {
      desk.receive(.ask(token: 9, peer: guest.key), from: asker, fresh: 8, now: now).map(\.message)
    }
    #expect(ask(.zero) == [.refuse(token: 9, .overQuota)])
    // A 64th of it is back after a minute.
    #expect(ask(at(60)) == [.offer(slot: 8, peer: asker.key, at: asker.address)])
  }

  @Test func whatOneQuotaRefusesUsesUpNoOther() {
    desk = Self.desk { $0.quotaPerNode = 1_000 }
    open()
    let other = Self.party(3, "7.1.1.1:1")
    _ = desk.receive(.ask(token: 9, peer: guest.key), from: other, fresh: 8, now: .zero)
    _ = desk.receive(.take(slot: 8), from: guest, fresh: 0, now: .zero)
    #expect(desk.pass(7, count: 700, from: asker.address, now: .zero) == .pass(to: guest.address))
    guard case .end = desk.pass(8, count: 700, from: other.address, now: .zero) else {
      Issue.record("passed")
      return
    }
    // The other asker has all but what its ask counted for.
    let third = Self.party(4, "8.1.1.1:1")
    _ = desk.receive(.register(token: 1), from: third, fresh: 0, now: .zero)
    _ = desk.receive(.ask(token: 9, peer: third.key), from: other, fresh: 9, now: .zero)
    _ = desk.receive(.take(slot: 9), from: third, fresh: 0, now: .zero)
    #expect(desk.pass(9, count: 600, from: other.address, now: .zero) == .pass(to: third.address))
  }

  @Test func whatDidNotLeaveWasNotPassedOn() {
    open()
    _ = desk.pass(7, count: 700, from: asker.address, now: .zero)
    desk.lost(700)
    #expect(desk.passedBytes == 0)
  }

  @Test func bytesOfOneAddressAreCountedTogether() {
    desk = Self.desk { $0.quotaPerAddress = 1_000 }
    open()
    let sibling = Self.party(3, "5.1.1.1:2")
    _ = desk.receive(.ask(token: 9, peer: guest.key), from: sibling, fresh: 8, now: .zero)
    _ = desk.receive(.take(slot: 8), from: guest, fresh: 0, now: .zero)
    #expect(desk.pass(7, count: 600, from: asker.address, now: .zero) == .pass(to: guest.address))
    guard case .end = desk.pass(8, count: 600, from: sibling.address, now: .zero) else {
      Issue.record("passed")
      return
    }
  }

  @Test func aLimitDropsWhatIsBeyondIt() {
    open()
    desk.limit(to: 100_000, now: .zero)
    var passed = 0
    for step in 0..<1_000 {
      let now = Instant.zero + .milliseconds(step * 10)
      for end in [asker, guest] {
        if case .pass = desk.pass(7, count: 1_000, from: end.address, now: now) { passed += 1_000 }
      }
    }
    // Ten seconds, and a block at the beginning.
    #expect((1_000_000...1_070_000).contains(passed))
    desk.limit(to: nil, now: at(10))
    #expect(desk.pass(7, count: 60_000, from: asker.address, now: at(10)) != .drop)
  }
}
