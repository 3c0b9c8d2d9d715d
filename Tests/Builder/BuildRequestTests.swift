import TestSupport
import Testing
import Trust

@testable import Builder

@Suite struct BuildRequestTests {
  @Test(arguments: [
    ("CFLAGS", "-O2 -pipe"), ("CFLAGS", "-march=x86-64-v3 -mtune=generic -O3 -g -ggdb3"),
    ("CXXFLAGS", "-flto=auto -fno-semantic-interposition -fstack-protector-strong"),
    ("CFLAGS", "-mavx2 -mno-avx512f -fomit-frame-pointer"), ("CFLAGS", ""),
    ("CPPFLAGS", "-D_FORTIFY_SOURCE=3"), ("GOAMD64", "v3"),
    ("LDFLAGS", "-Wl,-O1 -Wl,--as-needed -Wl,-z,pack-relative-relocs"),
    ("LDFLAGS", "-Wl,-O1,--as-needed,-z,now -flto -fuse-ld=mold"),
    ("RUSTFLAGS", "-C target-cpu=x86-64-v3 -Copt-level=3"),
  ])
  func knownFlagsPass(variable: String, value: String) {
    #expect(FlagWhitelist.refused(value, in: variable) == nil)
  }

  @Test(arguments: [
    ("CFLAGS", "-O2 -fplugin=/tmp/evil.so", "-fplugin=/tmp/evil.so"),
    ("CFLAGS", "-O2 -include/etc/shadow", "-include/etc/shadow"),
    ("CFLAGS", "-march=native", "-march=native"), ("CFLAGS", "-march=$(id)", "-march=$(id)"),
    ("CFLAGS", "-O2;id", "-O2;id"), ("CFLAGS", "@/tmp/flags", "@/tmp/flags"),
    ("CFLAGS", "-wrapper gdb", "-wrapper"), ("CFLAGS", "-B/tmp", "-B/tmp"),
    ("CFLAGS", "-specs=/tmp/x", "-specs=/tmp/x"), ("CFLAGS", "-Xlinker x", "-Xlinker"),
    ("CFLAGS", "-fprofile-use=/tmp/p", "-fprofile-use=/tmp/p"),
    ("CFLAGS", "-flto=99999", "-flto=99999"), ("CFLAGS", "-flto=`id`", "-flto=`id`"),
    ("CFLAGS", "-Wl,-O1", "-Wl,-O1"), ("LDFLAGS", "-Wl,-rpath,/tmp", "-Wl,-rpath,/tmp"),
    ("LDFLAGS", "-Wl,-z", "-Wl,-z"), ("LDFLAGS", "-Wl,", "-Wl,"),
    ("LDFLAGS", "-Wl,-plugin,x.so", "-Wl,-plugin,x.so"), ("LDFLAGS", "-L/tmp", "-L/tmp"),
    ("LDFLAGS", "-fuse-ld=/tmp/ld", "-fuse-ld=/tmp/ld"), ("LDFLAGS", "libevil.a", "libevil.a"),
    ("RUSTFLAGS", "-C linker=/tmp/x", "-C linker=/tmp/x"), ("RUSTFLAGS", "-C", "-C"),
    ("RUSTFLAGS", "-Zunstable", "-Zunstable"), ("GOAMD64", "v9", "v9"),
    ("CPPFLAGS", "-DX=`id`", "-DX=`id`"), ("PATH", "/tmp", "/tmp"),
  ])
  func otherFlagsAreNamed(variable: String, value: String, flag: String) {
    #expect(FlagWhitelist.refused(value, in: variable) == flag)
  }

  @Test func requestNamesTheRefusedFlag() {
    #expect(
      throws: BuildRequest.Refusal.flag("-fplugin=/tmp/x.so", variable: "CFLAGS")
    ) {
      try BuildRequest(RequestFixture.facts(cflags: "-O2 -fplugin=/tmp/x.so"))
    }
  }

  @Test func unknownVariableIsRefused() {
    var facts = RequestFixture.facts()
    facts.flags["MAKEOPTS"] = "-j2"
    #expect(throws: BuildRequest.Refusal.self) { try BuildRequest(facts) }
  }

  @Test(arguments: 0..<7)
  func localFactsAreRefused(number: Int) {
    let fields: [WritableKeyPath<PackageFacts.LocalFacts, String>] = [
      \.userPatches, \.linguas, \.extraEconf, \.extraEmake, \.mycmakeargs, \.mymesonargs,
      \.pkgInstallMask,
    ]
    var facts = RequestFixture.facts()
    facts.local[keyPath: fields[number]] = String(repeating: "a", count: 64)
    #expect(throws: BuildRequest.Refusal.self) { try BuildRequest(facts) }
  }

  @Test func binaryIsRefused() {
    var facts = RequestFixture.facts()
    facts.kind = .binary
    #expect(throws: BuildRequest.Refusal.binary) { try BuildRequest(facts) }
  }

  @Test(arguments: [
    ("category", "../etc"), ("category", "a\nb"), ("package", "x y"), ("version", "1; id"),
    ("slot", "0 0"), ("repository", "a b"), ("chost", "x\" y"), ("chost", "-x"), ("eapi", "8\n"),
    ("use", "nls\"; rm"), ("use", "a b"), ("use", "--x"), ("distfile", "../../etc/passwd"),
    ("distfile", ".hidden"), ("distfile", "a b"), ("rdepend", "|| ( a/b"),
    ("rdepend", "x? ( a/b )"), ("feature", "userpriv"),
  ])
  func wordsThatWouldEscapeAreRefused(field: String, value: String) {
    var facts = RequestFixture.facts()
    switch field {
    case "category": facts.category = value
    case "package": facts.package = value
    case "version": facts.version = value
    case "slot": facts.slot = value
    case "repository": facts.repository = value
    case "chost": facts.chost = value
    case "eapi": facts.eapi = value
    case "use": facts.use = [value]
    case "distfile": facts.distfiles = [.init(name: value, digests: ["size": "1"])]
    case "rdepend": facts.depend.rdepend = value
    default: facts.contentFeatures = [value]
    }
    #expect(throws: BuildRequest.Refusal.self) { try BuildRequest(facts) }
  }

  @Test func provenanceOfTheAskingHostStaysAtHome() throws {
    var facts = RequestFixture.facts()
    facts.why = "new"
    facts.provenance = Provenance(hooks: ["etc/portage/bashrc"])
    let request = try BuildRequest(facts)
    #expect(request.facts == RequestFixture.facts())
    #expect(try request.fingerprint == Fingerprint(of: facts))
  }

  @Test func offerFitsByHostRepositoryAndFeatures() throws {
    let request = try RequestFixture.request()
    var offer = RequestFixture.offer
    #expect(offer.fits(request))
    offer.features = ["mmx", "sse"]
    #expect(!offer.fits(request))
    offer = RequestFixture.offer
    offer.repositories = ["gentoo"]
    #expect(!offer.fits(request))
    offer = RequestFixture.offer
    offer.chost = "aarch64-unknown-linux-gnu"
    #expect(!offer.fits(request))
  }
}
