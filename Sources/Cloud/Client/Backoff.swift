/// Growing pauses between tries, each drawn at random up to its bound ("full jitter"), so that
/// clients that lost one gateway together don't come back together.
struct Backoff: Sendable {
  private let first: Duration
  private let longest: Duration
  private var bound: Duration

  init(first: Duration = .milliseconds(250), longest: Duration = .seconds(20)) {
    self.first = first
    self.longest = longest
    bound = first
  }

  /// The next pause.
  mutating func next(using random: inout some RandomNumberGenerator) -> Duration {
    let pause = bound * Double.random(in: 0.2...1, using: &random)
    bound = min(bound * 2, longest)
    return pause
  }

  /// Begins anew, after a success.
  mutating func reset() {
    bound = first
  }
}
