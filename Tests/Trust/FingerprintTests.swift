import Testing

@testable import Trust

@Suite("The fingerprint") struct FingerprintTests {
  typealias Change = @Sendable (inout PackageFacts) -> Void

  /// Each row of the table of what must be equal: a change of it names that field.
  static let rows: [(FingerprintField, Change)] = [
    (.category, { $0.category = "app-other" }),
    (.package, { $0.package = "casktiger" }),
    (.version, { $0.version = "1.0-r2" }),
    (.slot, { $0.slot = "1" }),
    (.subslot, { $0.subslot = "3" }),
    (.repository, { $0.repository = "overlay" }),
    (.eapi, { $0.eapi = "9" }),
    (.chost, { $0.chost = "x86_64-gentoo-linux-musl" }),
    (.abi, { $0.target.abi = "x86" }),
    (.defaultABI, { $0.target.defaultABI = "x86" }),
    (.libdir, { $0.target.libdirs["x86"] = "lib32" }),
    (.libdir, { $0.target.libdirs["x32"] = "libx32" }),
    (.arch, { $0.target.arch = "x86" }),
    (.elibc, { $0.target.elibc = "musl" }),
    (.kernel, { $0.target.kernel = "Darwin" }),
    (.eprefix, { $0.target.eprefix = "/opt/gentoo" }),
    (.usr, { $0.target.usr = "split" }),
    (.use, { $0.use[1] = "doc" }),
    (.use, { $0.use.append("-static") }),
    (.use, { $0.use.removeLast() }),
    (.use, { $0.use[3] = "-python_targets_python3_12" }),
    (.idepend, { $0.depend.idepend = "" }),
    (.pdepend, { $0.depend.pdepend = "app-lab/other" }),
    (.rdepend, { $0.depend.rdepend += " dev-lab/c" }),
    (
      .rdepend,
      { $0.depend.rdepend = $0.depend.rdepend.replacing("libcask:0/2=", with: "libcask:0/3=") }
    ),
    (.boundDepend, { $0.depend.depend = "dev-lab/libcask:0/3= dev-lab/headers" }),
    (.distfiles, { $0.distfiles[0].digests["SHA512"] = "ce" }),
    (.distfiles, { $0.distfiles = [] }),
    (.local, { $0.local.userPatches = "ab12" }),
    (.local, { $0.local.linguas = "de" }),
    (.local, { $0.local.extraEconf = "--disable-cats" }),
    (.local, { $0.local.extraEmake = "V=1" }),
    (.local, { $0.local.mycmakeargs = "-DX=1" }),
    (.local, { $0.local.mymesonargs = "-Dx=1" }),
    (.local, { $0.local.pkgInstallMask = "/usr/share/doc" }),
  ]

  @Test(arguments: rows.indices) func everyFieldOfTheTableChangesIt(row: Int) throws {
    let (field, change) = Self.rows[row]
    let before = Samples.facts()
    let after = Samples.facts(change)
    #expect(try Fingerprint(of: before) != Fingerprint(of: after))
    let differences = try Fingerprint.fields(of: before).differences(
      from: Fingerprint.fields(of: after))
    #expect(differences.map(\.field) == [field])
  }

  @Test func everyFieldHasARow() {
    #expect(Set(Self.rows.map(\.0)) == Set(FingerprintField.allCases))
  }

  /// What the table leaves out: a change of it keeps the fingerprint.
  static let others: [Change] = [
    { $0.recipe.ebuild = String(repeating: "99", count: 32) },
    { $0.recipe.eclasses["lab-c"] = String(repeating: "98", count: 32) },
    { $0.index["KEYWORDS"] = "~amd64" },
    { $0.index["LICENSE"] = "MIT" },
    { $0.depend.bdepend = "dev-build/cmake" },
    { $0.depend.depend = "dev-lab/libcask:0/2= dev-lab/more-headers" },
    { $0.flags["CFLAGS"] = "-O3" },
    { $0.cpu = PackageFacts.CPU(march: "znver4", features: ["avx2"], level: "") },
    { $0.compiler.version = "15.1.0" },
    { $0.contentFeatures = ["splitdebug"] },
    { $0.why = "rebuild" },
    { $0.kind = .binary },
  ]

  @Test(arguments: others.indices) func whatIsJudgedOrIrrelevantKeepsIt(case index: Int) throws {
    let changed = Samples.facts(Self.others[index])
    #expect(try Fingerprint(of: changed) == Fingerprint(of: Samples.facts()))
  }

  @Test func libcAtomsAreStripped() throws {
    let built = Samples.facts {
      $0.depend.rdepend += " >=sys-libs/glibc-2.41-r3 virtual/libc !sys-libs/musl"
    }
    #expect(try Fingerprint(of: built) == Fingerprint(of: Samples.facts()))
  }

  @Test func bindingsInsideChoicesAreLeftOut() throws {
    let other = Samples.facts {
      $0.depend.rdepend = "dev-lab/libcask:0/2= || ( dev-lab/a:0/7= dev-lab/b:0/8= )"
    }
    #expect(try Fingerprint(of: other) == Fingerprint(of: Samples.facts()))
  }

  @Test func boundAtomsInsideChoicesOfDependAreLeftOut() throws {
    let one = Samples.facts { $0.depend.depend += " || ( dev-lab/a:0/7= dev-lab/b )" }
    #expect(try Fingerprint(of: one) == Fingerprint(of: Samples.facts()))
  }

  @Test func orderOfFlagsAndDistfilesAndSpacesDoesNotMatter() throws {
    let one = Samples.facts {
      $0.distfiles.append(PackageFacts.Distfile(name: "a.tar", digests: ["size": "1"]))
    }
    let other = Samples.facts {
      $0.use.reverse()
      $0.distfiles.insert(PackageFacts.Distfile(name: "a.tar", digests: ["size": "1"]), at: 0)
      $0.depend.rdepend = "  " + $0.depend.rdepend.replacing(" ", with: "\n\t")
    }
    #expect(try Fingerprint(of: one) == Fingerprint(of: other))
  }

  @Test func noTwoListsOfFieldsShareAnEncoding() throws {
    let one = Samples.facts {
      $0.category = "app-lab"
      $0.package = "xcask"
    }
    let other = Samples.facts {
      $0.category = "app-labx"
      $0.package = "cask"
    }
    #expect(try Fingerprint(of: one) != Fingerprint(of: other))
  }

  @Test func bothStatesOfAFlagAtOnceAreRefused() {
    #expect(throws: FactsError.malformed(field: "use", value: "both nls and -nls")) {
      try Fingerprint(of: Samples.facts { $0.use.append("-nls") })
    }
  }

  @Test func nearestMissNamesTheFlag() throws {
    let wanted = Samples.facts()
    let known = [
      Samples.facts {
        $0.depend.rdepend = "dev-lab/z"; $0.slot = "4"
      },
      Samples.facts { $0.use[1] = "doc" },
      Samples.facts { $0.version = "2.0" },
    ]
    let miss = try Fingerprint.nearestMiss(to: wanted, among: known)
    #expect(miss == "one USE flag away: doc")
    let other = try Fingerprint.nearestMiss(to: wanted, among: [known[0]])
    #expect(other?.contains("differs in SLOT: \"0\" against \"4\"") == true)
    #expect(other?.contains("differs in RDEPEND") == true)
    #expect(try Fingerprint.nearestMiss(to: wanted, among: [known[2], wanted]) == nil)
  }

  @Test func neighboursAreOneFlagAway() throws {
    let neighbours = try Fingerprint.neighbours(of: Samples.facts())
    #expect(neighbours.map(\.flag) == ["debug", "doc", "-nls", "-python_targets_python3_12"])
    let doc = try Fingerprint(of: Samples.facts { $0.use[1] = "doc" })
    #expect(neighbours[1].fingerprint == doc)
  }
}
