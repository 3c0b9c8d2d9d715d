import Builder
import Emerge
import Trust

/// What a gateway has built and passes on: the rules of publishing, with this host's licence groups.
actor GatewayRules {
  private let licences: [String]
  private let helper: PortageHelper
  private var known: (policy: PublishingRules.Policy, read: ContinuousClock.Instant)?

  /// How long licence groups count as known: the helper takes a second, and a request may name
  /// hundreds of packages.
  private static let freshness = Duration.seconds(300)

  /// Rules with these licences and groups (`publish.licences`) on the helper's host.
  init(licences: [String], helper: PortageHelper) {
    self.licences = licences
    self.helper = helper
  }

  /// The licences that may be passed on; throws if Portage can't be asked.
  var policy: PublishingRules.Policy {
    get async throws {
      let now = ContinuousClock.now
      if let known, now - known.read < Self.freshness { return known.policy }
      guard let host = try await helper.host().host else { throw ResolveError.noHostFacts }
      let policy = PublishingRules.Policy(groups: licences, host: host)
      known = (policy, now)
      return policy
    }
  }

  /// Why this gateway has no build made of a request, in one line; nil if it has.
  ///
  /// The asker's word on licence and properties does: what a worker finds in its own repository is
  /// judged again before anything is signed.
  func objection(to request: BuildRequest) async -> String? {
    let policy: PublishingRules.Policy
    do {
      policy = try await self.policy
    } catch {
      return "the gateway can't read its licence groups: \(error)"
    }
    let refusals = PublishingRules.refusals(planned: request.facts, policy: policy)
    guard !refusals.isEmpty else { return nil }
    return refusals.map(\.message).joined(separator: "; ")
  }
}
