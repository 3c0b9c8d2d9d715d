import Logging
import PeerNetwork
import Wire

/// Has the transfer and the relay keep to the configuration's hours, and holds back what can wait on a metered link.
struct TransferRuler: Sendable {
  let settings: Configuration.Transfer
  let transfer: TransferService
  let streams: DatagramStreams
  let logger: Logger

  /// What holds now, by this machine's local time.
  var rules: TransferRules {
    let (day, minute) = WallClock.local
    return settings.rules(on: day, minute: minute)
  }

  /// Tells both what holds whenever it changes, until cancelled.
  func run() async throws {
    var told: TransferRules?
    while true {
      let rules = rules
      if told != rules {
        transfer.limit(upload: rules.limitUp?.bytes, download: rules.limitDown?.bytes)
        transfer.serve(beyondLAN: !rules.isMetered)
        streams.relay(!rules.isMetered, uploadLimit: rules.limitUp?.bytes)
        if told != nil {
          logger.info(
            "other hours",
            metadata: [
              "down": "\(rules.limitDown.map { "\($0)/s" } ?? "unlimited")",
              "up": "\(rules.limitUp.map { "\($0)/s" } ?? "unlimited")",
              "metered": "\(rules.isMetered)",
            ])
        }
        told = rules
      }
      try await Task.sleep(for: Self.step)
    }
  }

  /// Returns at once, or when the link is not metered any more; throws only on cancellation.
  func waitWhileMetered() async throws {
    while rules.isMetered { try await Task.sleep(for: Self.step) }
  }

  /// The clock may be set or the machine may sleep, so that no longer wait can be trusted.
  private static let step = Duration.seconds(20)
}
