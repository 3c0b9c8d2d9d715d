import Cryptography
import Testing
import Trust
import Wire

@testable import Node

@Suite("larder trust explain") struct TrustExplanationTests {
  private let now = NodeSamples.now

  private func lines(
    _ package: String, repository: String = "gentoo", arch: String? = nil, _ issuers: [Issuer],
    policies: [TrustPolicy] = [], _ change: (inout TrustList) -> Void = { _ in }
  ) throws -> [String] {
    var list = TrustList(issuers: issuers, policies: policies)
    change(&list)
    let host = NodeSamples.host { host in
      host.arch = "amd64"
      host.systemPackages = ["sys-apps/sed"]
    }
    return try TrustExplanation(
      .init(package: package, repository: repository, arch: arch), list: list, host: host, now: now
    ).lines
  }

  private func issuer(
    _ number: UInt8, _ change: (inout Issuer) -> Void = { _ in }
  ) throws -> Issuer {
    var issuer = Issuer(key: try NodeSamples.key(number).publicKey, name: "builder-\(number)")
    change(&issuer)
    return issuer
  }

  @Test func ordinaryPackageMayComeFromAnyIssuerInScope() throws {
    let games = try issuer(2) { $0.packages = [PackagePattern("games-*/*")].compactMap(\.self) }
    #expect(
      try lines("app-misc/hello", [issuer(1), games]) == [
        "package: app-misc/hello::gentoo for amd64", "policy: */*: any trusted issuer",
        "builder-1: may build it",
        "builder-2: may not: out of scope: builder-2 may not build for package app-misc/hello",
      ])
  }

  @Test func systemPackageNeedsAnIssuerForTheSystem() throws {
    let trusted = try issuer(2) { $0.mayBuildSystem = true }
    let found = try lines("sys-apps/sed", [issuer(1), trusted])
    #expect(found[0].hasSuffix("in this host's @system"))
    #expect(found[1] == "policy: @system @toolchain: an issuer that may build @system")
    #expect(found[2].hasPrefix("builder-1: may not: builder-1 is not who the policy wants"))
    #expect(found[3] == "builder-2: may build it")
    // The toolchain counts although no @system set names it.
    #expect(try lines("sys-devel/gcc", [issuer(1)])[2].contains("may not"))
  }

  @Test func scopeByTheSystemSetIsUnderstood() throws {
    let only = try issuer(1) { issuer in
      issuer.packages = [.system]
      issuer.mayBuildSystem = true
    }
    #expect(try lines("sys-apps/sed", [only])[2] == "builder-1: may build it")
    #expect(try lines("app-misc/hello", [only])[2].contains("out of scope"))
  }

  @Test func repositoryArchitectureAndTimesCount() throws {
    let narrow = try issuer(1) { issuer in
      issuer.repositories = ["guru"]
      issuer.architectures = ["arm64"]
    }
    #expect(try lines("a/b", [narrow])[2].hasSuffix("may not build for repository gentoo"))
    #expect(
      try lines("a/b", repository: "guru", [narrow])[2].hasSuffix(
        "may not build for architecture amd64"))
    #expect(
      try lines("a/b", repository: "guru", arch: "arm64", [narrow])[2] == "builder-1: may build it")
    let early = try issuer(1) { $0.from = now + .seconds(1) }
    #expect(try lines("a/b", [early])[2].contains("before builder-1 was trusted"))
    let late = try issuer(1) { $0.until = now }
    #expect(try lines("a/b", [late])[2].contains("not trusted any more"))
  }

  @Test func revokedKeyAndExpiredListAreSaid() throws {
    let found = try lines("a/b", [issuer(1)]) { list in
      list.revoke(Revocation(key: list.issuers[0].key, from: now - .seconds(5), reason: "stolen"))
      list.expires = now
    }
    #expect(found[2] == "the trust list expired at \(now)")
    #expect(found[3].hasPrefix("builder-1: may not: the key of builder-1 is revoked"))
  }

  @Test func nobodyMayBuildByAnExpiredList() throws {
    let found = try lines("a/b", [issuer(1)]) { $0.expires = now }
    #expect(found.last == "builder-1: may not: the trust list expired at \(now)")
    let next = try lines("a/b", [issuer(1)]) { $0.expires = now + .seconds(1) }
    #expect(next.last == "builder-1: may build it")
  }

  @Test func policyThatNamesOthersAndOwnKeysAreSaid() throws {
    let policy = TrustPolicy(packages: [.all], rule: .oneOf(["builder-2"]))
    let own = try NodeSamples.key(9).publicKey
    let found = try lines("a/b", [issuer(1), issuer(2)], policies: [policy]) {
      $0.ownKeys = [own]
    }
    #expect(found[2].contains("not who the policy wants"))
    #expect(found[3] == "builder-2: may build it")
    #expect(found[4].hasPrefix("this host: may not"))
    #expect(try lines("a/b", [])[2].contains("no issuer is trusted"))
  }

  @Test(arguments: ["hello", "a/b/c", "", "=a/b-1", "a/"]) func otherWordsAreNoPackages(
    word: String
  ) {
    #expect(throws: TrustExplanation.BadName.self) { try lines(word, []) }
  }
}
