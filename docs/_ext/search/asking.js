// Words that ask, and words that stand everywhere: they are not looked for.
"use strict";

(() => {
  const ASKING = `
    a an the this that these those there here it its is are was were be been being am do does did
    doing done can could should would will shall may might must i me my we our us you your he she
    they them their and or but if so than then not no of in on at to for from by with without about
    into as vs versus during instead still what which who whose when where why how much many some
    any get gets got give gives use uses using used please help want need explain explained meaning
    mean difference between tutorial
    的 了 是 在 和 与 跟 或 吗 呢 啊 吧 么 有 没 要 会 能 我 你 它 这 那 个 时 后 中 上 对 把 被 让 请 很 都
    就 也 不 用 什么 什么是 是什么 怎么 怎么办 怎么样 怎样 如何 为什么 为何 为啥 是否 能否 能不能 是不是 要不要
    哪些 哪个 哪里 多少 请问 求助 可以 应该 需要 使用 一个 这个 那个 我的 区别 不同 作用 有什么用 意思
    是什么意思 原理 详解 教程 理解 解释 讲解 问题 进行 一直 之间 以及 还是 时候
  `;
  globalThis.siteSearch.asking = new Set(ASKING.trim().split(/\s+/));
})();
