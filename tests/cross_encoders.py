"""Small cross-encoders made on the spot, which find a text relevant where it holds the mark ★."""

from pathlib import Path

MARK = "★"
LIMIT = 96
_WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", MARK]


def make_cross_encoder(folder: Path, *, labels: int = 1) -> Path:
    """A BERT of one layer that reads characters; its folder.

    Its weights are set, not trained. Only the mark has an embedding. Attention is even and takes that to the first
    token, where the norm makes the same of it however long the text is; pooler and classifier read it there.
    """
    import torch
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.WordLevel({word: at for at, word in enumerate(_WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_max_length=LIMIT,
    )
    config = BertConfig(
        vocab_size=len(_WORDS),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=LIMIT,
        num_labels=labels,
    )
    model = BertForSequenceClassification(config)
    with torch.no_grad():
        for name, weights in model.named_parameters():
            if "LayerNorm" not in name:
                weights.zero_()
        bert = model.bert
        bert.embeddings.word_embeddings.weight[_WORDS.index(MARK), 0] = 1.0
        attention = bert.encoder.layer[0].attention
        for linear in (attention.self.value, attention.output.dense, bert.pooler.dense):
            linear.weight.copy_(torch.eye(16))
        model.classifier.weight[:, 0] = 8.0
        model.classifier.bias.fill_(-4.0)
    model.save_pretrained(folder)
    fast.save_pretrained(folder)
    return folder
