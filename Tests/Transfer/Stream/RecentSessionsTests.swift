import Cryptography
import Testing
import Transfer
import Wire

/// Streams that ended lately.
@Suite struct RecentSessionsTests {
  @Test(arguments: [0, 1, 3_599, 3_601, 30_000] as [Int64])
  func aNameIsKnownForAsLongAsACookieLasts(second: Int64) {
    let life = AddressCookie.epoch.components.seconds * 2
    var recent = RecentSessions<Int>()
    // Whatever else ends before and after it.
    recent.insert(1, now: .zero + .seconds(second / 2))
    recent.insert(7, now: .zero + .seconds(second))
    for later in [1, life / 2, life - 1] {
      let now = Instant.zero + .seconds(second + later)
      recent.insert(Int(later) + 100, now: now)
      let isKnown = recent.contains(7, now: now)
      #expect(isKnown)
    }
    let isKnown = recent.contains(7, now: .zero + .seconds(second + 3 * life))
    #expect(!isKnown)
  }

  @Test func aFloodIsBounded() {
    var recent = RecentSessions<Int>()
    for name in 0..<10_000 { recent.insert(name, now: .zero + .seconds(1)) }
    #expect(recent.count <= 2_048)
    let isKnown = recent.contains(9_999, now: .zero + .seconds(1))
    #expect(isKnown)
  }
}
