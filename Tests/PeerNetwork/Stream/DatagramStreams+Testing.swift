import Glibc
import NIOCore
import Synchronization
import Transfer

@testable import PeerNetwork

extension DatagramStreams {
  /// What the windows of all streams may take.
  var memoryOfStreams: Int {
    get async { await look { $0.channels.values.reduce(0) { $0 + $1.memory } } ?? 0 }
  }

  /// Streams that stand or are not over yet.
  var openCount: Int { get async { await look { $0.channels.count } ?? 0 } }

  /// Ends all streams as if they were gone on both sides.
  func abandonAll() async {
    _ = await look { multiplexer in
      for channel in Array(multiplexer.channels.values) { channel.abandon() }
    }
  }
}

extension DHTService {
  /// Keeps the service from doing anything until the end, a minute at most.
  func keep(_ hold: Hold) {
    for _ in 0..<60_000 where hold.lasts { usleep(1_000) }
  }
}

/// A time that somebody else ends.
final class Hold: Sendable {
  private let isOver = Atomic<Bool>(false)

  var lasts: Bool { !isOver.load(ordering: .relaxed) }

  func end() { isOver.store(true, ordering: .relaxed) }
}
