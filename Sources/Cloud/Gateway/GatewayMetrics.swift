import Metrics

/// What a gateway counts.
struct GatewayMetrics: Sendable {
  /// Packages asked for; a rise is demand that peers don't meet.
  let requested = Counter(label: "larder_cloud_requested_total")
  /// Packages that no builder takes; a rise is askers with flags or patches of their own.
  let refused = Counter(label: "larder_cloud_refused_total")
  /// Leases given; more than builds means that workers vanish or builds fail.
  let leased = Counter(label: "larder_cloud_leased_total")
  /// Builds accepted.
  let built = Counter(label: "larder_cloud_built_total")
  /// Builds that failed or whose results were refused; a rise is a broken worker or repository.
  let failed = Counter(label: "larder_cloud_failed_total")
  /// Calls with no or an unknown token; a rise is somebody guessing or an outdated configuration.
  let unauthorized = Counter(label: "larder_cloud_unauthorized_total")
}
