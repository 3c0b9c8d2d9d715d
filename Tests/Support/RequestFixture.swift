public import Builder
public import Trust

/// Requests for tests: real facts of a small package.
public enum RequestFixture {
  /// Planned facts of `app-lab/hello`, varied by version, USE and flags.
  public static func facts(
    version: String = "1.0", use: [String] = ["-debug", "nls"], cflags: String = "-O2 -pipe"
  ) -> PackageFacts {
    var facts = PackageFacts(
      category: "app-lab", package: "hello", version: version, repository: "larder-lab",
      chost: "x86_64-pc-linux-gnu", target: PackageFacts.Target())
    facts.use = use
    facts.flags = ["CFLAGS": cflags, "CXXFLAGS": cflags, "LDFLAGS": "-Wl,-O1 -Wl,--as-needed"]
    facts.cpu = PackageFacts.CPU(
      march: "x86-64", mtune: "generic", features: ["mmx", "sse", "sse2"], level: "x86-64")
    facts.compiler = PackageFacts.Compiler(name: "gcc", version: "12.2.0")
    facts.depend = PackageFacts.Dependencies(rdepend: ">=sys-libs/glibc-2.36-r8")
    facts.recipe = PackageFacts.Recipe(
      ebuild: String(repeating: "1", count: 64), normalized: String(repeating: "2", count: 64))
    return facts
  }

  /// A request whose fingerprint differs for each number.
  public static func request(_ number: Int = 0) throws -> BuildRequest {
    try BuildRequest(facts(version: "1.\(number)"))
  }

  /// What a worker of the lab offers.
  public static let offer = WorkerOffer(
    name: "worker", chost: "x86_64-pc-linux-gnu", features: ["mmx", "sse", "sse2", "avx"],
    repositories: ["larder-lab"])
}
